import { MeshError, type Message } from "@adaos/core";
import { delay, eventsStream } from "@adaos/core/wire";
import { StreamPublisher } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { isNoEvent, type PastEvent, storedBytes } from "./past.ts";

/** On their way at a time: what shares a disk sync is stored together. As many as the publisher puts into one batch. */
const MAX_BATCH = 500;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Batches a second under a rate. Ten of them keep the rate even, and let a stop take effect soon. */
const BATCHES_A_SECOND = 10;
/** The longest wait for a full stream. */
const FULL_WAIT_MS = 30_000;
const FULL_PAUSE_MS = 250;
/** The share of the stream that a replay leaves to the events that are published meanwhile. */
const FREE_SHARE = 0.05;

interface ReplayRunOptions {
  /** Where it begins. */
  readonly fromSeq: number;
  /** Events a second. @default as many as can be */
  readonly perSecond?: number | undefined;
  /** Ends it between two batches. */
  readonly signal: AbortSignal;
  /** An event that cannot be replayed; the others go on. */
  onFailed(seq: number, why: MeshError): void;
}

/** A message that is to be stored. */
interface Pending {
  readonly seq: number;
  readonly message: Message;
}

/** Stores replayed events in order, a batch after the other. */
export class ReplayRun {
  readonly #server: OpenServer;
  readonly #options: ReplayRunOptions;
  readonly #publisher: StreamPublisher;
  readonly #stream: string;
  #dueMs = performance.now();
  replayed = 0;
  skipped = 0;
  failed = 0;
  /** Everything before this sequence is done. */
  nextSeq: number;
  /** The stream is full, and it waits for room. */
  isWaiting = false;

  constructor(server: OpenServer, options: ReplayRunOptions) {
    this.#server = server;
    this.#options = options;
    this.nextSeq = options.fromSeq;
    this.#publisher = new StreamPublisher(server.connection, { checksDuplicates: true });
    this.#stream = eventsStream(server.of);
  }

  get done(): number {
    return this.replayed + this.skipped + this.failed;
  }

  /**
   * Resolves when all are stored, or early when its signal stops it. Rejects with `backpressure` when the stream stays
   * full, and with any other error that keeps all further events from being stored. The rest is not tried then.
   */
  async run(events: AsyncIterable<PastEvent>): Promise<void> {
    const { signal, perSecond } = this.#options;
    try {
      for await (const batch of ahead(batches(events, batchSize(perSecond)))) {
        this.nextSeq = batch[0]?.seq ?? this.nextSeq;
        await this.#waitForTurn(batch.length);
        if (signal.aborted || !(await this.#store(batch))) return;
        this.nextSeq = (batch.at(-1)?.seq ?? this.nextSeq) + 1;
      }
    } finally {
      await this.#publisher.close();
    }
  }

  /** Time that was lost is not made up for: a rate is a promise to the handler. */
  async #waitForTurn(count: number): Promise<void> {
    const { perSecond, signal } = this.#options;
    if (perSecond === undefined) return;
    const waitMs = this.#dueMs - performance.now();
    if (waitMs > 1) await delay(waitMs, signal);
    this.#dueMs = Math.max(this.#dueMs, performance.now()) + (count * 1000) / perSecond;
  }

  /** Resolves with whether it got to the end. */
  async #store(batch: readonly PastEvent[]): Promise<boolean> {
    let left = this.#pendingOf(batch);
    let deadlineMs = Date.now() + FULL_WAIT_MS;
    while (left.length > 0) {
      this.nextSeq = left[0]?.seq ?? this.nextSeq;
      // Looked for before, since a full stream refuses the large and takes the small: that would change their order.
      // A server that does not answer is left to the publisher, which tries again.
      const room = await roomFor(this.#server).catch(() => Number.POSITIVE_INFINITY);
      const fitting = fittingCount(left, room);
      const refused = await this.#publish(left.slice(0, fitting));
      if (refused.length < fitting) deadlineMs = Date.now() + FULL_WAIT_MS;
      left = [...refused, ...left.slice(fitting)];
      if (left.length === 0 || (fitting > 0 && refused.length === 0)) continue;
      if (this.#options.signal.aborted) return false;
      if (Date.now() >= deadlineMs) {
        const why = `stream ${this.#stream} has been full for ${FULL_WAIT_MS / 1000} s`;
        throw new MeshError("backpressure", `${why}; a replay leaves ${FREE_SHARE * 100} % of it free`);
      }
      this.isWaiting = true;
      await delay(FULL_PAUSE_MS, this.#options.signal);
      this.isWaiting = false;
    }
    return true;
  }

  #pendingOf(batch: readonly PastEvent[]): Pending[] {
    const pending: Pending[] = [];
    for (const { seq, made } of batch) {
      if (!(made instanceof MeshError)) pending.push({ seq, message: made });
      else if (isNoEvent(made)) this.skipped++;
      else this.#fail(seq, made);
    }
    return pending;
  }

  /**
   * Resolves with the events that the full stream has refused. Rejects with an error that every other event would meet
   * too.
   */
  async #publish(pending: readonly Pending[]): Promise<Pending[]> {
    const errors = await Promise.all(pending.map(({ message }) => this.#publishOne(message)));
    const refused: Pending[] = [];
    let fatal: MeshError | undefined;
    for (const [i, one] of pending.entries()) {
      const error = errors[i];
      if (error === undefined) this.replayed++;
      else if (error.code === "backpressure") refused.push(one);
      else if (error.code === "too-large" || error.code === "invalid-event") this.#fail(one.seq, error);
      else {
        if (fatal === undefined) this.nextSeq = Math.min(one.seq, refused[0]?.seq ?? one.seq);
        fatal ??= error;
      }
    }
    if (fatal !== undefined) throw fatal;
    return refused;
  }

  async #publishOne(message: Message): Promise<MeshError | undefined> {
    try {
      const { stream } = await this.#publisher.publish(message);
      return stream === this.#stream ? undefined : new MeshError("internal", `replayed into ${stream}`);
    } catch (thrown) {
      return MeshError.from(thrown, "unavailable", "not replayed");
    }
  }

  #fail(seq: number, why: MeshError): void {
    this.failed++;
    this.#options.onFailed(seq, why);
  }
}

/** How many bytes a replay may store now. */
export async function roomFor({ of, jsm }: OpenServer): Promise<number> {
  const { config, state } = await jsm.streams.info(eventsStream(of));
  if (config.max_bytes <= 0) return Number.POSITIVE_INFINITY;
  return Math.max(0, config.max_bytes * (1 - FREE_SHARE) - state.bytes);
}

/** How many of the first messages a stream has room for. */
function fittingCount(pending: readonly Pending[], room: number): number {
  let bytes = 0;
  const tooMany = pending.findIndex(({ message }) => {
    bytes += storedBytes(message);
    return bytes > room;
  });
  return tooMany === -1 ? pending.length : tooMany;
}

/** Reads the next while this one is being stored. */
async function* ahead<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = items.next();
      // The loop awaits this after the current item. If that item fails, a rejection here must not be unhandled.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await items.return(undefined);
  }
}

/** Pure. */
export function batchSize(perSecond: number | undefined): number {
  if (perSecond === undefined) return MAX_BATCH;
  return Math.min(MAX_BATCH, Math.max(1, Math.floor(perSecond / BATCHES_A_SECOND)));
}

/** As many at a time, and no more bytes than a connection should have on its way. Order is kept. */
export async function* batches(
  events: AsyncIterable<PastEvent>,
  size: number,
): AsyncGenerator<readonly PastEvent[]> {
  let batch: PastEvent[] = [];
  let bytes = 0;
  for await (const event of events) {
    const more = event.made instanceof MeshError ? 0 : storedBytes(event.made);
    if (batch.length >= size || (batch.length > 0 && bytes + more > MAX_BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(event);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}
