import { patternMatches } from "../language/event-pattern.ts";
import {
  type Clause,
  guardedOf,
  isCleared,
  type KnownEvent,
  listClauses,
  oneVersion,
  resolve,
  withClearance,
} from "./compile-policy.ts";
import type { Mesh, Region } from "./mesh.ts";
import type { PolicyRule } from "./policy.ts";

/** Id of the rule that keeps commands and replies in their region. */
export const REGION_EVENTS = "region-events";

/**
 * The rules of the links between this mesh and other regions, apart from those of its subnets. A region imports what
 * goes there, from this mesh; this mesh imports what comes from there. The rules of `policy` are for subnets: they
 * decide before, when an event leaves its subnet, and after, when it enters one.
 *
 * No command crosses, since its reply would have to: no region passes on another's replies. Pure.
 */
export function compileRegionRules(mesh: Mesh, events: readonly KnownEvent[]): PolicyRule[] {
  const regions = [...(mesh.regions?.values() ?? [])];
  const guarded = regions.length === 0 ? [] : guardedOf(events);
  return regions.flatMap((region) => {
    const forbidden = guarded.filter(({ classes }) => !isCleared(region, classes));
    const outgoing = withClearance(clausesOf(region, "export", events), forbidden);
    const incoming = clausesOf(region, "import", events);
    return [
      ...held(resolve(outgoing, events), region.name, mesh.name),
      ...held(resolve(incoming, events), mesh.name, region.name),
    ];
  });
}

function clausesOf(region: Region, way: "export" | "import", events: readonly KnownEvent[]): Clause[] {
  const patterns = way === "export" ? region.exports : region.imports;
  const others = events.filter(({ kind, name, version }) => {
    return kind !== "event" && patterns.some((pattern) => patternMatches(pattern, name, version));
  });
  return [
    ...others.map((event): Clause => ({ id: REGION_EVENTS, effect: "deny", pattern: oneVersion(event) })),
    ...listClauses(`regions.${region.name}`, way, patterns),
  ];
}

function held(clauses: readonly Clause[], importer: string, from: string): PolicyRule[] {
  return clauses.map((clause) => ({ ...clause, verb: "import", subnet: importer, from: [from] }));
}
