import { createHash } from "node:crypto";
import { type Bus, type Logger, MeshError, type MeshErrorCode } from "@adaos/core";
import { delay, eventIdAt, messageOf } from "@adaos/core/wire";
import { causeHeaders } from "../engine/ids.ts";
import type { Effect, Run } from "../engine/state.ts";
import type { EffectResult, ScenarioWorld } from "./outside.ts";

type Doer = Pick<Bus, "publish" | "request">;

const RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
/** Failures that pass: the effect is done again under its id. */
const PASSING: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout", "backpressure"]);
const MIN_REQUEST_MS = 100;
const MAX_ERROR_LENGTH = 1000;

/** Does the effects of scenarios as the member of a bus. */
export class BusWorld implements ScenarioWorld {
  readonly #bus: Doer;
  readonly #log: Logger;
  #told: string | undefined;

  constructor(bus: Doer, log: Logger) {
    this.#bus = bus;
    this.#log = log;
  }

  perform(effect: Effect, signal: AbortSignal): Promise<EffectResult> {
    return effect.kind === "publish" ? this.#publish(effect, signal) : this.#request(effect, signal);
  }

  async completed(run: Run, signal: AbortSignal): Promise<void> {
    // A loop's end that everybody hears would start its ring again, for ever. Its event becomes a dead letter.
    if (run.isShadow || run.outcome === "loop") return;
    const { ok, error } = await this.#publish(completedEvent(run), signal);
    // A mesh whose registry or policy leaves it out is told so once.
    if (ok || error === this.#told) return;
    this.#told = error;
    this.#log.warn({ run: run.id, reason: error }, "scenario.completed not published");
  }

  async #publish(effect: Effect, signal: AbortSignal): Promise<EffectResult> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      try {
        await this.#bus.publish(effect.event, effect.data, optionsOf(effect));
        return { ok: true };
      } catch (thrown) {
        if (!isPassing(thrown)) return failed(thrown, signal);
        await this.#again(effect, thrown, waitMs, signal);
      }
    }
  }

  async #request(effect: Effect, signal: AbortSignal): Promise<EffectResult> {
    const { event, data, timeoutMs = MIN_REQUEST_MS } = effect;
    const endMs = performance.now() + timeoutMs;
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
      const leftMs = Math.max(endMs - performance.now(), MIN_REQUEST_MS);
      try {
        const options = { ...optionsOf(effect), timeoutMs: Math.ceil(leftMs), signal };
        return { ok: true, data: (await this.#bus.request(event, data, options)).data };
      } catch (thrown) {
        if (!isPassing(thrown) || performance.now() + waitMs >= endMs) return failed(thrown, signal);
        await this.#again(effect, thrown, waitMs, signal);
      }
    }
  }

  async #again({ id, event }: Effect, thrown: unknown, waitMs: number, signal: AbortSignal): Promise<void> {
    this.#log.debug({ event, event_id: id, reason: messageOf(thrown) }, "effect not done yet");
    await delay(waitMs, signal);
    signal.throwIfAborted();
  }
}

function optionsOf({ id, correlationId, causationId, headers }: Effect) {
  return {
    eventId: id,
    correlationId,
    ...(causationId === undefined ? {} : { causationId }),
    headers,
    component: "scenario",
  };
}

function isPassing(thrown: unknown): boolean {
  return thrown instanceof MeshError && PASSING.has(thrown.code);
}

/** Throws when it failed only because the process stops. */
function failed(thrown: unknown, signal: AbortSignal): EffectResult {
  signal.throwIfAborted();
  if (thrown instanceof MeshError && thrown.code === "closed") throw thrown;
  return { ok: false, error: messageOf(thrown) };
}

/** The event that tells the end of a run. Its id is made from the run's: told twice, it is one event. Pure. */
function completedEvent(run: Run): Effect {
  const { id, scenario, trigger, depth, ring, startedMs, endedMs = startedMs, outcome, reason } = run;
  const status = outcome === "succeeded" || outcome === "stopped" ? "succeeded" : outcome;
  const error =
    reason === undefined || status === "succeeded" ? {} : { error: reason.slice(0, MAX_ERROR_LENGTH) };
  const digest = createHash("sha256").update(`${id} completed`).digest("hex").slice(0, 12);
  return {
    kind: "publish",
    id: eventIdAt(endedMs, digest),
    runId: id,
    step: "completed",
    event: "scenario.completed@1",
    data: {
      name: scenario,
      status,
      duration_ms: Math.max(0, endedMs - startedMs),
      ...error,
    },
    nominalMs: endedMs,
    correlationId: trigger.event?.correlation_id ?? id,
    ...(trigger.event === undefined ? {} : { causationId: trigger.event.event_id }),
    headers: causeHeaders(depth, ring),
  };
}
