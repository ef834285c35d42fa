/** Keeps the newest items of a much longer sequence; it never holds more than twice the limit. */
export class Newest<T> {
  readonly #limit: number;
  readonly #timeOf: (item: T) => string;
  #kept: T[] = [];
  /** How many there were in all. */
  seen = 0;

  /** @param timeOf RFC 3339 in UTC with milliseconds, which sorts as text. */
  constructor(limit: number, timeOf: (item: T) => string) {
    this.#limit = limit;
    this.#timeOf = timeOf;
  }

  add(item: T): void {
    this.seen++;
    this.#kept.push(item);
    if (this.#kept.length >= this.#limit * 2) this.#kept = this.items();
  }

  /** Newest last. */
  items(): T[] {
    const time = this.#timeOf;
    // toSorted() is stable: items of the same millisecond stay in order.
    return this.#kept.toSorted((a, b) => compare(time(a), time(b))).slice(-this.#limit);
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
