import type { MeshError, Message } from "@adaos/core";
import { delay, type MessageSpan, within } from "@adaos/core/wire";
import { type Progress, Rounds } from "@adaos/daemon";
import { LineWindow, type OrderedMessage, type StreamWriter, type WriteResult } from "@adaos/transport-nats";

/** An admitted event that the target has not stored yet. */
export interface CarriedEvent {
  /** The message as it is published at the target. */
  readonly message: Message;
  readonly pulled: OrderedMessage;
  /** Size of the message, with everything that its publisher adds. */
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
  /** Called when the target will never store the event. */
  readonly onRefused: (event: CarriedEvent, error: MeshError) => void;
  /** Called when the target stores nothing now. */
  readonly onTrouble: (error: MeshError) => void;
}

/** The first pause after a target did not store an event; each further pause is twice as long. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
/** Upper limit of a round: a write has a time limit, and a pause is shorter. */
const ROUND_LIMIT_MS = 60_000;
/** A server that reloads its config refuses events and stores them 100 ms later, so the first failure is not logged. */
const LOGGED_FAILURES = 2;
/** Errors of the event, not of the target: the target will never store the event. */
const FINAL: ReadonlySet<string> = new Set<MeshError["code"]>(["too-large", "invalid-event"]);
/** After these errors the event is certainly not stored. */
const CERTAIN: ReadonlySet<string> = new Set<MeshError["code"]>(["unavailable", "backpressure"]);

/**
 * Stores events at a target in the order in which they were added: one write at a time, with all waiting events. An
 * event that the target does not store is tried again alone, and all others wait for it.
 */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #stopped = new AbortController();
  /** In the order of the source. */
  #waiting: CarriedEvent[] = [];
  #writing: Promise<void> | undefined;
  readonly #rounds = new Rounds(ROUND_LIMIT_MS);
  readonly #line = new LineWindow();
  /** Failures since the target has last stored an event. */
  #failures = 0;
  #trouble: string | undefined;

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  /** The reason why the target stores nothing now. */
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

  /** Removes all waiting events. The result of a write in flight is then ignored. */
  withdraw(): readonly CarriedEvent[] {
    const withdrawn = this.#waiting;
    this.#waiting = [];
    return withdrawn;
  }

  /** Stores the waiting events while the target accepts them, for `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    if (this.#writing !== undefined && this.#failures === 0) await within(this.#writing, graceMs);
    this.#stopped.abort();
    this.#options.target.close();
    await this.#writing;
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // Events that arrive in the same turn belong to the same write.
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#stopped.signal.aborted) {
      this.#rounds.done();
      const waiting = this.#waiting;
      const batch = waiting.slice(0, this.#nextSize());
      const { stored, error } = await this.#write(batch);
      // Withdrawn meanwhile: another daemon carries them.
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
   * After an error of the target, the event waits at its source until the target works again. After an error of the
   * event, which the target will never store, the event is dropped: all later events would wait for ever.
   */
  async #onFailed(failed: readonly CarriedEvent[], error: MeshError): Promise<void> {
    if (FINAL.has(error.code)) {
      this.#onWell();
      for (const event of this.#waiting.splice(0, 1)) this.#options.onRefused(event, error);
      return;
    }
    if (!CERTAIN.has(error.code)) for (const event of failed) event.mayBeStored = true;
    this.#failures++;
    if (this.#failures >= LOGGED_FAILURES) {
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
