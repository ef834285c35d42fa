/** A durable from which a region pulls, as the server has it. */
export interface PulledDurable {
  readonly filters: readonly string[];
  /** Up to here, the region has acknowledged everything. */
  readonly floor: number;
  /** Events that wait for the region, or for its acknowledgement. */
  readonly waiting: number;
}

/** The stream at the first look at newcomers. */
export interface NewcomerSight {
  /** The stream's last event of then: those up to it were published under the rules before. */
  readonly cut: number;
  /** The subnets that were to enter. */
  readonly subnets: ReadonlySet<string>;
}

/** Whether a sight is of these newcomers: one more has events of its former rules behind the cut. Pure. */
export function isSightOf({ subnets }: NewcomerSight, newcomers: readonly string[]): boolean {
  return newcomers.every((filter) => subnets.has(subnetOf(filter)));
}

/** The subnets of filters. Pure. */
export function subnetsOf(filters: readonly string[]): ReadonlySet<string> {
  return new Set(filters.map(subnetOf));
}

/** What becomes of a durable that gets a subnet which it did not have. */
export type NewcomerPlan =
  | { readonly kind: "as wanted" }
  /** With these filters for now. */
  | { readonly kind: "hold back"; readonly filters: readonly string[] }
  /** Recreated after this place. */
  | { readonly kind: "begin after"; readonly seq: number };

/** The filters whose subnet a durable had none for: a new subnet, or one of another tenant before. Pure. */
export function newcomerFilters(before: readonly string[], wanted: readonly string[]): string[] {
  const known = subnetsOf(before);
  return wanted.filter((filter) => !known.has(subnetOf(filter)));
}

/**
 * Decides when a subnet enters a region's durable. Events of it that wait from before were published under another
 * tenant or by another owner: the region must not get them. So the subnet enters when the region has taken all that
 * waited for it. Pure.
 * @param oldest The newcomer's first event behind the durable's floor; undefined when there is none.
 */
export function planNewcomers(
  { filters, floor, waiting }: PulledDurable,
  wanted: readonly string[],
  { cut }: Pick<NewcomerSight, "cut">,
  oldest: number | undefined,
): NewcomerPlan {
  if (oldest === undefined) return { kind: "as wanted" };
  // The server is past the newcomer's events that came since, without having looked at them.
  if (oldest > cut) return { kind: "begin after", seq: floor };
  const known = subnetsOf(filters);
  const held = wanted.filter((filter) => known.has(subnetOf(filter)));
  // Without a filter there is no durable, and what waits in it is no longer the region's.
  if (floor >= cut || waiting === 0 || held.length === 0)
    return { kind: "begin after", seq: Math.max(floor, cut) };
  return { kind: "hold back", filters: held };
}

const subnetOf = (filter: string): string => filter.split(".")[1] ?? "";
