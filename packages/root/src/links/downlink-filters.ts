import type { Policy } from "@adaos/core";
import { farReplyFilter, minimalPatterns, patternToFilter } from "@adaos/core/wire";

/**
 * Most filters of a durable that name their origins. Beyond, a filter for each origin costs more than it saves: with a
 * thousand subnets the server would keep and compare a million of them, and the daemon would read 60 MB at each look.
 */
export const MAX_NAMED_ORIGINS = 64;

/**
 * Filters for the imports of a subnet and for the replies to its exported commands. In a small mesh they name each
 * other subnet, so that its own events never match. In a large one they match its own events too, which its downlink
 * then passes over. A subnet whose rules differ by origin always has the names. Pure.
 * @param subnets All of the mesh.
 */
export function downlinkFilters(policy: Policy, subnets: readonly string[], subnet: string): string[] {
  const exports = minimalPatterns(policy.patternsFor({ verb: "export", subnet }));
  const replies = exports.map((pattern) => farReplyFilter(pattern, { requester: subnet }));
  if (policy.importsByOrigin(subnet)) return [...byOrigin(policy, subnets, subnet), ...replies];
  const imports = minimalPatterns(policy.patternsFor({ verb: "import", subnet }));
  const others = subnets.filter((other) => other !== subnet);
  if (others.length * imports.length > MAX_NAMED_ORIGINS)
    return [...imports.map((pattern) => patternToFilter(pattern)), ...replies];
  const named = others.flatMap((from) =>
    imports.map((pattern) => patternToFilter(pattern, { subnet: from })),
  );
  return [...named, ...replies];
}

function byOrigin(policy: Policy, subnets: readonly string[], subnet: string): string[] {
  return subnets.flatMap((from) => {
    if (from === subnet) return [];
    const patterns = policy.patternsFor({ verb: "import", subnet, from });
    return minimalPatterns(patterns).map((pattern) => patternToFilter(pattern, { subnet: from }));
  });
}
