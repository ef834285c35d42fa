import type { BookLine } from "./book.ts";

/** The state of a book's events. */
export interface Balance {
  /** Known to be stored. */
  readonly published: number;
  /** Published without an answer and without effect: they may be stored or not. */
  readonly unanswered: number;
  readonly effects: number;
  /** Ids without effect that are neither dead letters nor waiting. */
  readonly lost: readonly string[];
  /** Ids with more than one effect. */
  readonly doubled: readonly string[];
  /** Ids whose first effect came after that of a later event. */
  readonly reordered: readonly string[];
  /** Ids that became dead letters. */
  readonly dead: readonly string[];
  /** Ids that wait for their effect. */
  readonly pending: readonly string[];
}

/**
 * Balances a book: each stored event has one effect, is a dead letter, or waits. Pure.
 * @param dead Ids of the handler's dead letters.
 * @param pending Number of events that wait for the handler: the last so many without effect are not lost.
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
      // A foreign event does not belong to this book.
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

/** Whether no event is lost, doubled, reordered or dead. */
export function isBalanced({ lost, doubled, reordered, dead }: Balance): boolean {
  return lost.length + doubled.length + reordered.length + dead.length === 0;
}
