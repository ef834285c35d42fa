import type { Logger } from "@adaos/core";
import { delay, within } from "@adaos/core/wire";
import type { JetStreamManager } from "nats";
import type { Connection } from "../connection/connection.ts";
import { HeaderReader } from "../connection/header-reader.ts";
import { decideShares, StreamHoldings, UnreadHoldings } from "./stream-shares.ts";

export interface StreamUsageOptions {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** How much of what is its own or free a holder may have; see {@link decideShares}. */
  readonly share: number;
  /** Who has written a message; nothing for what is nobody's. */
  readonly holderOf: (subject: string) => string | undefined;
  /**
   * Bytes that each holder has sent so far, to whatever stream: by that is guessed whose is what has not been read yet.
   * Asked only of a stream that is not nearly empty. May reject.
   */
  readonly askSent: () => Promise<ReadonlyMap<string, number>>;
  /** Called when others are over their share than before. */
  readonly onOver: (over: ReadonlySet<string>) => void;
  readonly log: Logger;
}

/** Below this part of the stream nobody can be over any share that may be set, so nobody's part is looked at. */
const KEEP_ABOVE = 1 / 8;
/** It ends below this part, so that it does not begin and end with each message. */
const KEEP_BELOW = 1 / 16;
/** As fast as a machine may fill a stream. Until the next look no more than a quarter of what is free may go. */
const FILL_BYTES_PER_MS = 65_536;
const MIN_LOOK_MS = 25;
const MAX_LOOK_MS = 1000;
/** A stream to which nothing is written is looked at so seldom: it may become less by itself. */
const REST_MS = 5000;
const RETRY_MS = 500;
/** Reading takes a fifth of the time at most: of the server as of this process. */
const PAUSE_PER_READING = 4;
const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 2000;
/** Books that say so much more than the stream holds are kept anew: something was taken from its middle. */
const DRIFT = 1.1;
const DRIFT_BYTES = 1_048_576;
const ANEW_MS = 10_000;

/**
 * Knows who holds how much of a stream. It asks the server how full the stream is, the more often the less is free;
 * above an eighth it also reads the headers of what is stored. A stream that is written fast hands out one message
 * between two disk syncs, so reading cannot keep up with a flood: until something has been read, it is taken to be
 * whose connections have sent that much in that time. A stream that is nearly empty costs a request a second, whatever
 * passes through it, and next to none while nothing does: the first message that is written wakes it.
 */
export class StreamUsage {
  readonly #options: StreamUsageOptions;
  readonly #reader: HeaderReader;
  readonly #stopped = new AbortController();
  #holdings = new StreamHoldings();
  #unread = new UnreadHoldings();
  /** Everything up to this place has been read. */
  #readSeq = 0;
  #state = { maxBytes: 0, usedBytes: 0, firstSeq: 1, lastSeq: 0 };
  #sent: ReadonlyMap<string, number> | undefined;
  #isKept = false;
  /** Nothing was written between the last two looks. */
  #isQuiet = false;
  #subjects: readonly string[] = [];
  #wake: () => void = () => undefined;
  #anewMs = 0;
  #over: ReadonlySet<string> = new Set();
  #onUnread: () => void = () => undefined;
  #running: Promise<unknown> | undefined;
  #lookedMs: number | undefined;

  constructor(options: StreamUsageOptions) {
    this.#options = options;
    this.#reader = new HeaderReader(options.connection, options.jsm, options.stream);
  }

  start(): void {
    this.#running ??= Promise.all([this.#repeat(() => this.#look()), this.#repeat(() => this.#readOn())]);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#onUnread();
    this.#wake();
    await this.#running;
    await this.#reader.close();
  }

  get stream(): string {
    return this.#options.stream;
  }

  /** Since it began its newest look, in milliseconds: at rest it looks every five seconds. */
  get sinceLookMs(): number {
    return this.#lookedMs === undefined ? 0 : performance.now() - this.#lookedMs;
  }

  /** Who is over its share now. */
  get over(): ReadonlySet<string> {
    return this.#over;
  }

  /** How full the stream was when it was looked at last. */
  get fill(): { readonly maxBytes: number; readonly usedBytes: number } {
    const { maxBytes, usedBytes } = this.#state;
    return { maxBytes, usedBytes };
  }

  /** Bytes by holder, as far as they are known or guessed; nothing of a stream that is nearly empty. */
  heldBytes(): Map<string, number> {
    const held = new Map(this.#holdings.held);
    for (const [holder, bytes] of this.#unread.after(this.#readSeq)) {
      held.set(holder, (held.get(holder) ?? 0) + bytes);
    }
    held.delete("");
    return held;
  }

  /** @param step Resolves with the time until the next one. */
  async #repeat(step: () => Promise<number>): Promise<void> {
    const { signal } = this.#stopped;
    const { stream, log } = this.#options;
    let isTold = false;
    while (!signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        pauseMs = await step();
        isTold = false;
      } catch (err) {
        // A stream that is not there yet, or a server that is away: what is known stands until it answers.
        if (!signal.aborted) log[isTold ? "debug" : "warn"]({ stream, err }, "stream books not kept up");
        isTold = true;
      }
      await delay(pauseMs, signal);
    }
  }

  /** While the stream is at rest it waits for the next message. Listens before it asks, so that none is missed. */
  async #look(): Promise<number> {
    this.#lookedMs = performance.now();
    if (!this.#isQuiet) return await this.#take();
    const written = new Promise<true>((resolve) => {
      this.#wake = () => resolve(true);
    });
    const { nc } = this.#options.connection;
    const subscriptions = this.#subjects.map((subject) =>
      nc.subscribe(subject, { max: 1, callback: () => this.#wake() }),
    );
    try {
      const pauseMs = await this.#take();
      if (!this.#isQuiet || this.#stopped.signal.aborted) return pauseMs;
      if ((await within(written, REST_MS)) === true) this.#isQuiet = false;
      return 0;
    } finally {
      for (const subscription of subscriptions) subscription.unsubscribe();
    }
  }

  /** Resolves with the time until the next look. */
  async #take(): Promise<number> {
    const { jsm, stream } = this.#options;
    const before = this.#state;
    const { config, state } = await jsm.streams.info(stream);
    const [maxBytes, usedBytes] = [config.max_bytes, state.bytes];
    this.#subjects = config.subjects ?? [];
    this.#state = { maxBytes, usedBytes, firstSeq: state.first_seq, lastSeq: state.last_seq };
    // The stream was made anew.
    if (state.last_seq < before.lastSeq) await this.#beginAnew();
    if (!this.#isKept && usedBytes > maxBytes * KEEP_ABOVE) this.#isKept = true;
    else if (this.#isKept && usedBytes < maxBytes * KEEP_BELOW) {
      this.#isKept = false;
      await this.#beginAnew();
      this.#decide();
    }
    if (this.#isKept) {
      await this.#guess(before);
      this.#holdings.trim(state.first_seq);
      await this.#checkDrift();
      this.#decide();
    }
    this.#isQuiet = state.last_seq === before.lastSeq && !this.#isKept;
    if (this.#hasUnread()) this.#onUnread();
    const soonMs = Math.max(0, maxBytes - usedBytes) / 4 / FILL_BYTES_PER_MS;
    return Math.min(Math.max(soonMs, MIN_LOOK_MS), MAX_LOOK_MS);
  }

  /** Whose is what has come since the look before. */
  async #guess(before: { readonly usedBytes: number; readonly lastSeq: number }): Promise<void> {
    const { usedBytes, lastSeq } = this.#state;
    const sentBefore = this.#sent;
    this.#sent = await this.#options.askSent();
    if (sentBefore === undefined || lastSeq <= before.lastSeq) return;
    const sent = new Map(
      [...this.#sent].map(([holder, bytes]) => [holder, bytes - (sentBefore.get(holder) ?? 0)]),
    );
    this.#unread.add(before.lastSeq + 1, lastSeq, usedBytes - before.usedBytes, sent);
  }

  #hasUnread(): boolean {
    return this.#isKept && this.#readSeq < this.#state.lastSeq;
  }

  async #readOn(): Promise<number> {
    // A look finds what there is to read; a stream at rest wakes nobody.
    if (!this.#hasUnread()) {
      if (!this.#stopped.signal.aborted) await new Promise<void>((resolve) => (this.#onUnread = resolve));
      return 0;
    }
    const startedMs = performance.now();
    const { firstSeq, lastSeq } = this.#state;
    const holdings = this.#holdings;
    const page = await this.#reader.next(Math.max(this.#readSeq + 1, firstSeq));
    // Begun anew meanwhile.
    if (holdings !== this.#holdings) return MIN_PAUSE_MS;
    for (const { seq, subject, bytes } of page.messages) {
      if (seq <= this.#readSeq) continue;
      this.#readSeq = seq;
      holdings.add(seq, seq, this.#options.holderOf(subject) ?? "", bytes);
    }
    // What is left up to the end was deleted.
    if (page.isLast) this.#readSeq = Math.max(this.#readSeq, lastSeq);
    this.#unread.forget(this.#readSeq);
    this.#decide();
    const tookMs = performance.now() - startedMs;
    return Math.min(Math.max(tookMs * PAUSE_PER_READING, MIN_PAUSE_MS), MAX_PAUSE_MS);
  }

  #decide(): void {
    const { share, onOver } = this.#options;
    const isComplete = !this.#isKept || this.#readSeq >= this.#state.lastSeq;
    const over = decideShares({ ...this.fill, held: this.heldBytes(), isComplete }, share, this.#over);
    if (over.size === this.#over.size && [...over].every((holder) => this.#over.has(holder))) return;
    this.#over = over;
    onOver(over);
  }

  /** Purged, deleted, or replaced by a newer one of its subject: only the sums tell that something is missing. */
  async #checkDrift(): Promise<void> {
    const nowMs = performance.now();
    const isRight = this.#holdings.bytes <= this.#state.usedBytes * DRIFT + DRIFT_BYTES;
    if (isRight || nowMs < this.#anewMs) return;
    this.#anewMs = nowMs + ANEW_MS;
    await this.#beginAnew();
  }

  /** Who is over stays so until everything has been read again. */
  async #beginAnew(): Promise<void> {
    this.#holdings = new StreamHoldings();
    this.#unread = new UnreadHoldings();
    this.#readSeq = 0;
    this.#sent = undefined;
    await this.#reader.close();
  }
}
