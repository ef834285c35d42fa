import type { SeenDenial } from "./facts.ts";

/** Denials of the same by the same rule. */
export interface DenialGroup extends Omit<SeenDenial, "since" | "eventId" | "count"> {
  readonly count: number;
  /** RFC 3339. */
  readonly first: string;
  readonly last: string;
  /** The last event that was denied, where its id is known. */
  readonly eventId?: string | undefined;
}

/** Groups denials; the group with the last one first. Pure. */
export function groupDenials(denials: readonly SeenDenial[], limit: number): DenialGroup[] {
  const groups = new Map<string, DenialGroup>();
  for (const { since, eventId, count = 1, ...what } of denials) {
    const key = JSON.stringify([what.hop, what.node, what.event, what.from, what.rule]);
    const before = groups.get(key);
    const isNewer = before === undefined || since >= before.last;
    groups.set(key, {
      ...(isNewer ? what : before),
      count: (before?.count ?? 0) + count,
      first: before === undefined || since < before.first ? since : before.first,
      last: isNewer ? since : before.last,
      eventId: isNewer ? (eventId ?? before?.eventId) : before.eventId,
    });
  }
  return [...groups.values()].sort((a, b) => (a.last < b.last ? 1 : -1)).slice(0, limit);
}
