import type { FeedEvent } from "../../../api/feed.ts";

/** An event of the list. */
export interface LiveRow {
  /** Unlike any other row's. */
  readonly key: string;
  readonly event: FeedEvent;
  /** `ui.notify@1` */
  readonly kind: string;
  /** The last event of its kind that was seen before it. */
  readonly before: FeedEvent | undefined;
  /** The data on one line. */
  readonly line: string;
  readonly storedMs: number;
  /** Length of the event as it came. */
  readonly chars: number;
}

export const MAX_ROWS = 2000;
/** Two thousand of the largest events would be half a gigabyte. */
const MAX_WINDOW_CHARS = 32 * 1024 * 1024;
/** Kinds whose last event is remembered. */
const MAX_KINDS = 500;
const MAX_LINE_CHARS = 300;

/** The newest events, oldest first, of a bounded number and size. */
export class LiveWindow {
  #rows: LiveRow[] = [];
  readonly #lastOfKind = new Map<string, FeedEvent>();
  #chars = 0;
  /** Streams are read side by side: an older event may come after a newer one of another stream. */
  #isSorted = true;
  /** Events that were ever added. */
  added = 0;

  /** @param chars Length of the event as it came. */
  add(event: FeedEvent, chars: number): void {
    const { envelope, at, seq } = event;
    const kind = `${envelope.event_name}@${envelope.version}`;
    const row = {
      key: `${at}/${seq}/${envelope.event_id}`,
      event,
      kind,
      before: this.#lastOfKind.get(kind),
      line: lineOf(envelope.data),
      storedMs: Date.parse(event.stored),
      chars,
    };
    if (row.storedMs < (this.#rows.at(-1)?.storedMs ?? 0)) this.#isSorted = false;
    this.#remember(kind, event);
    this.#rows.push(row);
    this.#chars += chars;
    this.added++;
    if (this.#rows.length >= MAX_ROWS * 1.25 || this.#chars > MAX_WINDOW_CHARS) this.#cut();
  }

  /** The newest rows, newest first. */
  newest(): readonly LiveRow[] {
    this.#sort();
    return this.#rows.slice(-MAX_ROWS).reverse();
  }

  clear(): void {
    this.#rows = [];
    this.#chars = 0;
  }

  /** Not at each event: moving two thousand rows costs more than holding some hundred more. */
  #cut(): void {
    this.#sort();
    let drop = 0;
    for (const { chars } of this.#rows) {
      const isWithin = this.#rows.length - drop <= MAX_ROWS && this.#chars <= MAX_WINDOW_CHARS;
      if (isWithin || drop === this.#rows.length - 1) break;
      this.#chars -= chars;
      drop++;
    }
    this.#rows = this.#rows.slice(drop);
  }

  #sort(): void {
    if (!this.#isSorted) this.#rows.sort((a, b) => a.storedMs - b.storedMs);
    this.#isSorted = true;
  }

  #remember(kind: string, event: FeedEvent): void {
    this.#lastOfKind.delete(kind);
    this.#lastOfKind.set(kind, event);
    const [oldest] = this.#lastOfKind.size > MAX_KINDS ? this.#lastOfKind.keys() : [];
    if (oldest !== undefined) this.#lastOfKind.delete(oldest);
  }
}

/** Data on one line, as far as a row shows it. Pure. */
export function lineOf(data: unknown): string {
  const text = JSON.stringify(data) ?? "";
  return text.length > MAX_LINE_CHARS ? `${text.slice(0, MAX_LINE_CHARS)}…` : text;
}
