import { type Logger, MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { type Progress, Rounds } from "./progress.ts";

/** Interval of checks for deviations. */
const CHECK_MS = 5000;
/** Time to the next check after a fault; most faults are a server that starts or reads its config. */
const RETRY_MS = 250;

export interface ReconcileLoopOptions {
  /** Creates missing things. Rejects with the reason when it cannot; with `invalid-config` when it never will. */
  readonly reconcile: () => Promise<void>;
  /** Text for an error that has no message of its own. */
  readonly missing: string;
  readonly log: Logger;
}

/** Keeps things in their wanted state: checks every few seconds, and soon again after a fault. */
export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #stopped = new AbortController();
  readonly #rounds = new Rounds();
  #trouble: string | undefined = "is starting";
  #last: Promise<MeshError | undefined> = Promise.resolve(undefined);
  #looping: Promise<void> | undefined;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
  }

  /** The present deviation from the wanted state; undefined when there is none. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get progress(): Progress {
    return this.#rounds.progress;
  }

  /**
   * Resolves when the wanted state is reached, or `signal` aborts. Rejects with `invalid-config` when that is
   * impossible.
   */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const error = await this.now();
      if (error === undefined) break;
      if (error.code === "invalid-config") throw error;
      await delay(RETRY_MS, signal);
    }
    this.#looping = this.#loop();
  }

  /** Not ready until the next check has found no fault. */
  expectChange(): void {
    this.#trouble ??= "is being changed";
  }

  /** Checks after the check under way, which may have begun with the earlier wanted state. Resolves with the fault. */
  now(): Promise<MeshError | undefined> {
    this.#last = this.#last.then(() => this.#look());
    return this.#last;
  }

  /** Resolves when no check is under way. */
  get settled(): Promise<unknown> {
    return this.#last;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#looping;
    await this.#last;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#rounds.done();
      await delay(this.#trouble === undefined ? CHECK_MS : RETRY_MS, this.#stopped.signal);
      if (!this.#stopped.signal.aborted) await this.now();
    }
  }

  async #look(): Promise<MeshError | undefined> {
    const { reconcile, missing, log } = this.#options;
    try {
      await reconcile();
      this.#trouble = undefined;
      return undefined;
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", missing);
      if (this.#trouble !== error.message) log.warn({ err: error }, "stream trouble");
      this.#trouble = error.message;
      return error;
    }
  }
}
