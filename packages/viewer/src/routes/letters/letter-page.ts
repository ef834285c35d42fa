import { firstLine } from "@adaos/core/wire";
import { type KeptDeadLetter, letterPlace, Newest } from "@adaos/operations";
import type { Count, LetterRow, Letters } from "../../api/letters.ts";

export const MAX_ROWS = 200;
/** Names that are counted apart: a member may invent as many as it likes. */
const MAX_NAMES = 500;
const MAX_SHOWN_NAMES = 50;
/** The time of a letter is written by a member; ours have 24 characters. */
const MAX_TIME_CHARS = 40;
const MAX_CHARS = 300;
const MAX_MESSAGE_CHARS = 160;

/** One page of a list of letters, and the counts of all. Does no I/O. */
export class LetterPage {
  readonly #newest = new Newest<LetterRow>(MAX_ROWS, orderOf);
  readonly #before: string | undefined;
  readonly #categories = new Map<string, number>();
  readonly #events = new Map<string, number>();
  readonly #types = new Map<string, number>();
  total = 0;

  /** @param before `older` of the page before; undefined for the first. */
  constructor(before: string | undefined) {
    this.#before = before;
  }

  add(letter: KeptDeadLetter): void {
    const row = rowOf(letter);
    this.total++;
    count(this.#categories, row.category);
    count(this.#events, row.event);
    count(this.#types, row.type);
    if (this.#before === undefined || orderOf(row) < this.#before) this.#newest.add(row);
  }

  answer(): Omit<Letters, "away" | "is_cut"> {
    const rows = this.#newest.items().toReversed();
    const last = rows.at(-1);
    return {
      rows,
      total: this.total,
      ...(last === undefined || this.#newest.seen <= rows.length ? {} : { older: orderOf(last) }),
      categories: counts(this.#categories),
      events: counts(this.#events),
      types: counts(this.#types),
    };
  }
}

/** A letter without its event. Pure. */
export function rowOf(letter: KeptDeadLetter): LetterRow {
  const { entry } = letter;
  const clip = (text: string): string => text.slice(0, MAX_CHARS);
  return {
    place: letterPlace(letter),
    letter_id: clip(entry.dead_letter_id),
    event_id: clip(entry.event_id),
    event: clip(entry.event_name),
    at: entry.at.slice(0, MAX_TIME_CHARS),
    category: entry.category,
    node: clip(entry.node),
    durable: clip(entry.durable),
    type: clip(entry.error.type),
    message: firstLine(entry.error.message, MAX_MESSAGE_CHARS),
    deliveries: entry.delivery_count,
    is_run: entry.kind === "run",
  };
}

/** Sorts by time; the place tells letters of the same millisecond apart. */
function orderOf({ at, place }: Pick<LetterRow, "at" | "place">): string {
  return `${at}|${place}`;
}

function count(names: Map<string, number>, name: string): void {
  if (names.has(name) || names.size < MAX_NAMES) names.set(name, (names.get(name) ?? 0) + 1);
}

function counts(names: ReadonlyMap<string, number>): Count[] {
  return [...names]
    .map(([name, times]) => ({ name, count: times }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_SHOWN_NAMES);
}
