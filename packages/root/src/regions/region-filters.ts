import type { Policy } from "@adaos/core";
import { minimalPatterns, patternToFilter } from "@adaos/core/wire";

/** The two ends of a way out of this root. */
export interface WayOut {
  /** This mesh's name. */
  readonly mesh: string;
  readonly region: string;
  /** Tenant of the events that go there. */
  readonly tenant: string;
  /** Tenant of each subnet of this root. */
  readonly subnets: ReadonlyMap<string, string>;
}

/**
 * Filters of the durable from which another region pulls: events of this root's own subnets, and of no other origin. So
 * an event that came from a region matches none of them, and goes to no other region. Pure.
 * @param policy What each region may import, as `compileRegionRules()` makes it.
 */
export function regionFilters(policy: Policy, { mesh, region, tenant, subnets }: WayOut): string[] {
  const patterns = minimalPatterns(policy.patternsFor({ verb: "import", subnet: region, from: mesh }));
  return [...subnets]
    .filter(([, own]) => own === tenant)
    .flatMap(([subnet]) => patterns.map((pattern) => patternToFilter(pattern, { subnet })));
}
