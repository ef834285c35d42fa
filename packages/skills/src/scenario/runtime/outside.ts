import { AsyncLocalStorage } from "node:async_hooks";
import { type Logger, MeshError } from "@adaos/core";
import { type Documents, delay, messageOf } from "@adaos/core/wire";
import type { Effect, Run } from "../engine/state.ts";

/** What became of an effect. */
export interface EffectResult {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: string;
}

/** What scenarios do outside. */
export interface ScenarioWorld {
  /** Does an effect, however long that takes. Rejects only when the signal aborts: it is done again later then. */
  perform(effect: Effect, signal: AbortSignal): Promise<EffectResult>;
  /** Tells everybody that a run has ended. Rejects only when the signal aborts. */
  completed(run: Run, signal: AbortSignal): Promise<void>;
}

/** Runs a function in a context of the past: of the handler whose event has started a run. */
export type Within = <T>(call: () => T) => T;

const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

/** The effects and endings of one scenario that are under way; each once at a time. */
export class Outside {
  readonly #world: ScenarioWorld;
  readonly #documents: Documents;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #doing = new Set<string>();
  readonly #contexts = new Map<string, Within>();
  readonly #apart: Within = AsyncLocalStorage.snapshot();

  /** @param signal Ends everything: what is under way then is done again by the next process. */
  constructor(world: ScenarioWorld, documents: Documents, signal: AbortSignal, log: Logger) {
    this.#world = world;
    this.#documents = documents;
    this.#signal = signal;
    this.#log = log;
  }

  /** A run has begun in this context: its effects are spans of the same trace. */
  enter(runId: string, within: Within): void {
    this.#contexts.set(runId, within);
  }

  /** Forgets the contexts of other runs. */
  keepOnly(isKept: (runId: string) => boolean): void {
    for (const id of this.#contexts.keys()) if (!isKept(id)) this.#contexts.delete(id);
  }

  /** Does an effect, unless it is under way. `onResult` may reject where the result cannot be stored. */
  perform(effect: Effect, onResult: (result: EffectResult) => Promise<void>): void {
    const { id, runId } = effect;
    if (this.#doing.has(id)) return;
    this.#doing.add(id);
    const within = this.#contexts.get(runId) ?? this.#apart;
    within(() => this.#world.perform(effect, this.#signal))
      .catch((thrown: unknown): EffectResult => {
        this.#signal.throwIfAborted();
        this.#log.error({ effect: id, err: thrown }, "effect failed");
        return { ok: false, error: messageOf(thrown) };
      })
      .finally(() => this.#doing.delete(id))
      .then(onResult)
      .catch((err: unknown) => {
        if (!this.#signal.aborted) this.#log.debug({ effect: id, err }, "result not kept");
      });
  }

  /** Stores the record of a run that has ended, and tells everybody. */
  finish(run: Run, onTold: () => void): void {
    if (this.#doing.has(run.id)) return;
    this.#doing.add(run.id);
    const within = this.#contexts.get(run.id) ?? this.#apart;
    this.#contexts.delete(run.id);
    within(() => Promise.all([this.#record(run), this.#world.completed(run, this.#signal)]))
      .finally(() => this.#doing.delete(run.id))
      .then(onTold)
      .catch((err: unknown) => {
        if (!this.#signal.aborted) this.#log.error({ run: run.id, err }, "end of a run not told");
      });
  }

  async #record(run: Run): Promise<void> {
    const kind = run.outcome === "succeeded" || run.outcome === "stopped" ? "ok" : "failed";
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        return await this.#documents.record(run.scenario, kind, run.id, JSON.stringify(run));
      } catch (thrown) {
        this.#signal.throwIfAborted();
        if (thrown instanceof MeshError && thrown.code === "too-large")
          return this.#log.error({ run: run.id, reason: thrown.message }, "record of a run not kept");
        this.#log.warn({ run: run.id, reason: messageOf(thrown) }, "record of a run not stored yet");
        await delay(waitMs, this.#signal);
      }
    }
  }
}
