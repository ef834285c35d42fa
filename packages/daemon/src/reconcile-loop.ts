import { type Logger, MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { type Progress, Rounds } from "./progress.ts";

/** How often it is looked whether all is still as it should be. */
const CHECK_MS = 5000;
/** How soon after trouble, most of which is a server that starts or reads its config. */
const RETRY_MS = 250;

export interface ReconcileLoopOptions {
  /** Makes what is missing. Rejects with why it cannot; with `invalid-config` when it never will. */
  readonly reconcile: () => Promise<void>;
  /** What an error is about that says nothing of its own. */
  readonly missing: string;
  readonly log: Logger;
}

/** Keeps something as it should be: looks every few seconds, and soon again after trouble. */
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

  /** Why all is not as it should be; nothing when it is. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get progress(): Progress {
    return this.#rounds.progress;
  }

  /** Resolves when all is as it should be, or `signal` aborts. Rejects with `invalid-config` when it never will be. */
  async start(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const error = await this.now();
      if (error === undefined) break;
      if (error.code === "invalid-config") throw error;
      await delay(RETRY_MS, signal);
    }
    this.#looping = this.#loop();
  }

  /** Not ready until the next look has found that all is well. */
  expectChange(): void {
    this.#trouble ??= "is being changed";
  }

  /** Looks now, after the look before, which may have begun with what was wanted before. Resolves with the trouble. */
  now(): Promise<MeshError | undefined> {
    this.#last = this.#last.then(() => this.#look());
    return this.#last;
  }

  /** Resolves when no look is under way. */
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
