import type { MeshError, Message } from "@adaos/core";
import { delay, type MessageSpan, within } from "@adaos/core/wire";
import { type Progress, Rounds } from "@adaos/daemon";
import { LineWindow, type OrderedMessage, type StreamWriter, type WriteResult } from "@adaos/transport-nats";

/** An admitted event that the target has not stored yet. */
export interface CarriedEvent {
  /** As it is published at the target. */
  readonly message: Message;
  readonly pulled: OrderedMessage;
  /** Of the message, with all that its publisher adds. */
  readonly bytes: number;
  /** The subnet that it came from. */
  readonly origin: string;
  readonly span: MessageSpan;
  /** An earlier write may have stored it. */
  mayBeStored: boolean;
}

export interface CarrierOptions {
  readonly target: Pick<StreamWriter, "sizeFor" | "write" | "close">;
  readonly onStored: (event: CarriedEvent) => void;
  /** The target will never take it. */
  readonly onRefused: (event: CarriedEvent, error: MeshError) => void;
  /** The target takes nothing now. */
  readonly onTrouble: (error: MeshError) => void;
}

/** A target that did not take an event is tried again after this, then twice as long, and so on. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
/** A write ends, or its time is up, and a pause ends sooner. */
const ROUND_LIMIT_MS = 60_000;
/** A server that reads its config refuses what it takes 100 ms later: nobody is told of the first failure. */
const TOLD_FAILURES = 2;
/** The target will never take the event: it says so of the event, and not of itself. */
const FINAL: ReadonlySet<string> = new Set<MeshError["code"]>(["too-large", "invalid-event"]);
/** What ends so is not stored. */
const CERTAIN: ReadonlySet<string> = new Set<MeshError["code"]>(["unavailable", "backpressure"]);

/**
 * Stores events at a target in the order in which they were added: one write at a time, of whatever waits then. What
 * the target does not take is tried again alone, and everything else waits for it.
 */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #stopped = new AbortController();
  /** In the order of the source. */
  #waiting: CarriedEvent[] = [];
  #writing: Promise<void> | undefined;
  readonly #rounds = new Rounds(ROUND_LIMIT_MS);
  readonly #line = new LineWindow();
  /** Since the target has taken something. */
  #failures = 0;
  #trouble: string | undefined;

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  /** Why the target takes nothing now. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get progress(): Progress {
    return this.#rounds.progress;
  }

  add(event: CarriedEvent): void {
    this.#waiting.push(event);
    this.#writing ??= this.#writeAll();
  }

  /** Takes out whatever waits. Of what is on its way then nobody is told. */
  withdraw(): readonly CarriedEvent[] {
    const withdrawn = this.#waiting;
    this.#waiting = [];
    return withdrawn;
  }

  /** Stores what waits, where the target takes it, for `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    if (this.#writing !== undefined && this.#failures === 0) await within(this.#writing, graceMs);
    this.#stopped.abort();
    this.#options.target.close();
    await this.#writing;
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // Whatever the same turn brings belongs to the same write.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stopped.signal.aborted) {
      this.#rounds.done();
      const waiting = this.#waiting;
      const batch = waiting.slice(0, this.#nextSize());
      const { stored, error } = await this.#write(batch);
      // Withdrawn meanwhile: somebody else carries it.
      if (waiting !== this.#waiting) continue;
      if (stored > 0) this.#onStored(stored);
      if (error !== undefined) await this.#onFailed(batch.slice(stored), error);
    }
    if (this.#waiting.length === 0) this.#onWell();
    this.#rounds.rest();
    this.#writing = undefined;
  }

  #nextSize(): number {
    if (this.#failures > 0) return 1;
    return Math.min(
      this.#options.target.sizeFor(this.#waiting.length),
      this.#line.fit(bytesOf(this.#waiting)),
    );
  }

  async #write(batch: readonly CarriedEvent[]): Promise<WriteResult> {
    let bytes = 0;
    for (const event of batch) bytes += event.bytes;
    const startMs = performance.now();
    const result = await this.#options.target.write(batch, this.#line.waitMs(bytes));
    if (result.stored === batch.length) this.#line.answered(bytes, performance.now() - startMs);
    else if (result.error?.code === "timeout") this.#line.timedOut(bytes);
    return result;
  }

  #onStored(count: number): void {
    this.#onWell();
    for (const event of this.#waiting.splice(0, count)) this.#options.onStored(event);
  }

  #onWell(): void {
    this.#failures = 0;
    this.#trouble = undefined;
  }

  /**
   * What the target says of itself ends no event: it waits at its source until somebody has mended the target. What it
   * says of one event, that it will never take it, ends this one: all behind it would wait for ever.
   */
  async #onFailed(failed: readonly CarriedEvent[], error: MeshError): Promise<void> {
    if (FINAL.has(error.code)) {
      this.#onWell();
      for (const event of this.#waiting.splice(0, 1)) this.#options.onRefused(event, error);
      return;
    }
    if (!CERTAIN.has(error.code)) for (const event of failed) event.mayBeStored = true;
    this.#failures++;
    if (this.#failures >= TOLD_FAILURES) {
      if (this.#trouble !== error.message) this.#options.onTrouble(error);
      this.#trouble = error.message;
    }
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), MAX_PAUSE_MS);
    await delay(pauseMs, this.#stopped.signal);
  }
}

function* bytesOf(events: readonly CarriedEvent[]): Iterable<number> {
  for (const { bytes } of events) yield bytes;
}
