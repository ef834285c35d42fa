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
  /** The part of its own and the free bytes that a holder may have; see {@link decideShares}. */
  readonly share: number;
  /** The writer of a message; undefined when it belongs to no holder. */
  readonly holderOf: (subject: string) => string | undefined;
  /**
   * Bytes that each holder has sent so far, to any stream. They serve to estimate the holders of unread messages. Not
   * called for a stream that is nearly empty. May reject.
   */
  readonly askSent: () => Promise<ReadonlyMap<string, number>>;
  /** Called when the set of holders over their share has changed. */
  readonly onOver: (over: ReadonlySet<string>) => void;
  readonly log: Logger;
}

/** Below this part of the stream no holder can exceed any share that may be set, so holders are not counted. */
const KEEP_ABOVE = 1 / 8;
/** Counting ends below this part, so that it does not start and stop with each message. */
const KEEP_BELOW = 1 / 16;
/**
 * Fastest rate at which a machine can fill a stream. Until the next look at most a quarter of the free bytes may go.
 */
const FILL_BYTES_PER_MS = 65_536;
const MIN_LOOK_MS = 25;
const MAX_LOOK_MS = 1000;
/** Interval of looks at a stream without writes: its content may shrink by itself. */
const REST_MS = 5000;
const RETRY_MS = 500;
/** Reading takes a fifth of the time at most, of the server and of this process. */
const PAUSE_PER_READING = 4;
const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 2000;
/** Counting starts again when the sums exceed the stream by this factor: messages were removed from its middle. */
const DRIFT = 1.1;
const DRIFT_BYTES = 1_048_576;
const ANEW_MS = 10_000;

/**
 * Counts how much of a stream each holder has. It asks the server how full the stream is, more often when less is free.
 * Above an eighth it also reads the headers of stored messages.
 *
 * A stream with fast writes delivers one message between two disk syncs, so reading cannot keep up with a flood. Unread
 * bytes are attributed to the holders whose connections have sent that much in that time. A nearly empty stream costs
 * one request a second, whatever passes through it. Without writes it costs next to none: the first message wakes it.
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
  /** No message was written between the last two looks. */
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

  /** Milliseconds since its newest look began: at rest it looks every five seconds. */
  get sinceLookMs(): number {
    return this.#lookedMs === undefined ? 0 : performance.now() - this.#lookedMs;
  }

  /** The holders that are over their share now. */
  get over(): ReadonlySet<string> {
    return this.#over;
  }

  /** How full the stream was at the last look. */
  get fill(): { readonly maxBytes: number; readonly usedBytes: number } {
    const { maxBytes, usedBytes } = this.#state;
    return { maxBytes, usedBytes };
  }

  /** Bytes by holder, as far as known or estimated; empty for a stream that is nearly empty. */
  heldBytes(): Map<string, number> {
    const held = new Map(this.#holdings.held);
    for (const [holder, bytes] of this.#unread.after(this.#readSeq)) {
      held.set(holder, (held.get(holder) ?? 0) + bytes);
    }
    held.delete("");
    return held;
  }

  /** @param step Resolves with the time until the next step. */
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
        // The stream does not exist yet, or the server is away: the last result stays valid until it answers.
        if (!signal.aborted) log[isTold ? "debug" : "warn"]({ stream, err }, "stream usage not counted");
        isTold = true;
      }
      await delay(pauseMs, signal);
    }
  }

  /**
   * While the stream is at rest it waits for the next message. It subscribes before it asks, so that it misses none.
   */
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
    // The stream was created again.
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

  /** Estimates the holders of the bytes that came since the look before. */
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
    // A look that finds unread messages wakes this loop.
    if (!this.#hasUnread()) {
      if (!this.#stopped.signal.aborted) await new Promise<void>((resolve) => (this.#onUnread = resolve));
      return 0;
    }
    const startedMs = performance.now();
    const { firstSeq, lastSeq } = this.#state;
    const holdings = this.#holdings;
    const page = await this.#reader.next(Math.max(this.#readSeq + 1, firstSeq));
    // Counting started again meanwhile.
    if (holdings !== this.#holdings) return MIN_PAUSE_MS;
    for (const { seq, subject, bytes } of page.messages) {
      if (seq <= this.#readSeq) continue;
      this.#readSeq = seq;
      holdings.add(seq, seq, this.#options.holderOf(subject) ?? "", bytes);
    }
    // The remaining places up to the end were deleted.
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

  /** Finds messages that were purged, deleted, or replaced by a newer one of their subject: only the sums show it. */
  async #checkDrift(): Promise<void> {
    const nowMs = performance.now();
    const isRight = this.#holdings.bytes <= this.#state.usedBytes * DRIFT + DRIFT_BYTES;
    if (isRight || nowMs < this.#anewMs) return;
    this.#anewMs = nowMs + ANEW_MS;
    await this.#beginAnew();
  }

  /** A holder that is over stays so until everything has been read again. */
  async #beginAnew(): Promise<void> {
    this.#holdings = new StreamHoldings();
    this.#unread = new UnreadHoldings();
    this.#readSeq = 0;
    this.#sent = undefined;
    await this.#reader.close();
  }
}
