import type { BookLine } from "./book.ts";

/** What became of the events of a book. */
export interface Balance {
  /** Known to be stored. */
  readonly published: number;
  /** Whose publish nobody answered, and that took no effect: they may be stored or not. */
  readonly unanswered: number;
  readonly effects: number;
  /** Ids without effect that are no dead letters, and wait for nothing. */
  readonly lost: readonly string[];
  /** Ids with more than one effect. */
  readonly doubled: readonly string[];
  /** Ids that took effect for the first time after an event that was published later. */
  readonly reordered: readonly string[];
  /** Ids that became dead letters. */
  readonly dead: readonly string[];
  /** Ids that wait for their effect. */
  readonly pending: readonly string[];
}

/**
 * Balances a book: each event that was stored has one effect, is a dead letter, or waits. Pure.
 * @param dead Ids of the dead letters of the handler.
 * @param pending How many events wait for the handler: the last so many without effect are not lost.
 */
export function checkBook(lines: readonly BookLine[], dead: ReadonlySet<string>, pending: number): Balance {
  const order = new Map<string, number>();
  const stored = new Set<string>();
  const effects = new Map<string, number>();
  const reordered: string[] = [];
  let newest = -1;
  for (const { what, id } of lines) {
    if (what === "publishing" && !order.has(id)) order.set(id, order.size);
    else if (what === "published") stored.add(id);
    else if (what === "effect") {
      const count = (effects.get(id) ?? 0) + 1;
      effects.set(id, count);
      // An event of somebody else is not ours to judge.
      const place = order.get(id) ?? -1;
      if (count === 1 && place >= 0 && place < newest) reordered.push(id);
      newest = Math.max(newest, place);
    }
  }
  const own = [...effects].filter(([id]) => order.has(id));
  const without = [...stored].filter((id) => !effects.has(id) && !dead.has(id));
  const waiting = pending === 0 ? [] : without.slice(-pending);
  return {
    published: stored.size,
    unanswered: [...order.keys()].filter((id) => !stored.has(id) && !effects.has(id)).length,
    effects: own.reduce((sum, [, count]) => sum + count, 0),
    lost: without.slice(0, without.length - waiting.length),
    doubled: own.filter(([, count]) => count > 1).map(([id]) => id),
    reordered,
    dead: [...dead].filter((id) => order.has(id)),
    pending: waiting,
  };
}

/** Whether nothing is wrong. */
export function isBalanced({ lost, doubled, reordered, dead }: Balance): boolean {
  return lost.length + doubled.length + reordered.length + dead.length === 0;
}
