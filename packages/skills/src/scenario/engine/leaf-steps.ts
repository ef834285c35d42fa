import { parseDuration } from "@adaos/config";
import { patternMatches } from "@adaos/core";
import type { EffectDefinition } from "../file/definition.ts";
import type { Step } from "./compile.ts";
import {
  computed,
  type Executing,
  log,
  type Place,
  StepFailure,
  StopRun,
  scopeAt,
  setResult,
  shortened,
} from "./executing.ts";
import { causeHeaders, effectDigest, effectIdOf } from "./ids.ts";
import { recordOf, timeOf } from "./scope.ts";
import type { Effect, SequenceCursor, StepCursor } from "./state.ts";

/** Ids of events that a run remembers to have taken. */
const MAX_TAKEN = 64;
const MAX_DELAY_MS = 366 * 86_400_000;

type Inner<K extends StepCursor["kind"]> = Extract<StepCursor, { kind: K }>;

/** Begins publish and request: the effect is done outside. Returns whether the step has ended. */
export function beginEffect(x: Executing, step: Step, cursor: SequenceCursor, place: Place): boolean {
  const { run, nowMs } = x;
  const { verb, definition } = step;
  const event = "publish" in definition ? definition.publish : (definition as { request: string }).request;
  const timeoutMs = "request" in definition ? definition.timeout : undefined;
  const data = computed(place, () => step.value(scopeAt(x, place)));
  const eventId = effectIdOf(run.id, place.path, cursor.nominalMs);
  if (run.isShadow) {
    const digest = effectDigest(event, data);
    log(x, { step: place.path, verb, atMs: nowMs, outcome: "shadow", event, eventId, digest });
    if (asOf(definition) !== undefined)
      throw new StopRun(`a shadow sends no request, so the reply to ${event} is unknown`, false);
    return true;
  }
  const { trigger } = run;
  const effect: Effect = {
    kind: timeoutMs === undefined ? "publish" : "request",
    id: eventId,
    runId: run.id,
    step: place.path,
    event,
    data,
    nominalMs: cursor.nominalMs,
    correlationId: trigger.event?.correlation_id ?? run.id,
    ...(trigger.event === undefined ? {} : { causationId: trigger.event.event_id }),
    headers: causeHeaders(run.depth, run.ring),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  x.effects.push(effect);
  const dueMs = timeoutMs === undefined ? {} : { dueMs: nowMs + timeoutMs };
  cursor.inner = { kind: "effect", effect, sinceMs: nowMs, ...dueMs };
  return false;
}

function asOf(definition: EffectDefinition): string | undefined {
  return "as" in definition ? definition.as : undefined;
}

/** Looks whether an effect has been done. */
export function proceedEffect(x: Executing, step: Step, inner: Inner<"effect">, place: Place): boolean {
  const { input, nowMs } = x;
  const { effect, sinceMs, dueMs } = inner;
  const result = input?.kind === "result" && input.effectId === effect.id ? input : undefined;
  if (result === undefined && (dueMs === undefined || dueMs > nowMs)) return false;
  x.isChanged = true;
  const entry = {
    step: place.path,
    verb: step.verb,
    atMs: nowMs,
    ms: nowMs - sinceMs,
    event: effect.event,
    eventId: effect.id,
    digest: effectDigest(effect.event, effect.data),
  };
  if (result !== undefined) {
    if (result.ok) {
      setResult(x, asOf(step.definition), { ok: true, data: result.data ?? null });
      log(x, { ...entry, outcome: "done" });
      return true;
    }
    const error = shortened(result.error ?? "failed");
    setResult(x, asOf(step.definition), { ok: false, error });
    log(x, { ...entry, outcome: "failed", error });
    throw new StepFailure(place.path, error);
  }
  const error = `no reply to ${effect.event} within ${(dueMs ?? nowMs) - sinceMs} ms`;
  setResult(x, asOf(step.definition), { ok: false, error });
  log(x, { ...entry, outcome: "timeout", error });
  throw new StepFailure(place.path, error);
}

export function beginDelay(x: Executing, step: Step, cursor: SequenceCursor, place: Place): boolean {
  const value = computed(place, () => step.value(scopeAt(x, place)));
  const isWritten = typeof (step.definition as { delay: unknown }).delay === "number";
  const ms = isWritten ? (value as number) : durationOf(value, place);
  cursor.inner = { kind: "delay", dueMs: x.nowMs + ms, sinceMs: x.nowMs };
  return false;
}

function durationOf(value: unknown, { path }: Place): number {
  const ms =
    typeof value === "number" ? value * 1000 : typeof value === "string" ? parseDuration(value) : undefined;
  if (ms !== undefined && ms >= 0 && ms <= MAX_DELAY_MS) return ms;
  const shown = shortened(JSON.stringify(value));
  throw new StepFailure(
    path,
    `delay is ${shown}; it must be a number of seconds, or like 30s, 15m, 2h or 7d`,
  );
}

export function proceedDelay(
  x: Executing,
  cursor: SequenceCursor,
  { dueMs, sinceMs }: Inner<"delay">,
  { path }: Place,
): boolean {
  if (dueMs > x.nowMs) return false;
  x.isChanged = true;
  cursor.nominalMs = dueMs;
  log(x, { step: path, verb: "delay", atMs: x.nowMs, ms: x.nowMs - sinceMs, outcome: "done" });
  return true;
}

export function beginWait(x: Executing, step: Step, cursor: SequenceCursor): boolean {
  const { timeout } = step.definition as { timeout: number };
  cursor.inner = { kind: "wait", dueMs: x.nowMs + timeout, sinceMs: x.nowMs };
  return false;
}

/** Looks whether the awaited event has come. Its timeout is no error: `steps.<name>.ok` tells. */
export function proceedWait(
  x: Executing,
  step: Step,
  cursor: SequenceCursor,
  { dueMs, sinceMs }: Inner<"wait">,
  place: Place,
): boolean {
  const { run, nowMs, input } = x;
  const entry = { step: place.path, verb: "wait", atMs: nowMs, ms: nowMs - sinceMs };
  const event =
    input?.kind === "event" && !run.taken.includes(input.event.event_id) ? input.event : undefined;
  const isMeant =
    event !== undefined &&
    nowMs < dueMs &&
    step.pattern !== undefined &&
    patternMatches(step.pattern, event.event_name, event.version);
  if (isMeant) {
    const [when] = step.whens;
    const judged = when === undefined ? undefined : recordOf(when, { ...scopeAt(x, place), received: event });
    if (judged === undefined || judged.value === true) {
      x.isChanged = true;
      cursor.nominalMs = timeOf(event, nowMs);
      setResult(x, asOf(step.definition), { ok: true, data: event.data });
      const conditions = judged === undefined ? {} : { conditions: [judged] };
      log(x, { ...entry, outcome: "done", event: event.event_name, eventId: event.event_id, ...conditions });
      return true;
    }
  }
  if (dueMs > nowMs) return false;
  x.isChanged = true;
  cursor.nominalMs = dueMs;
  setResult(x, asOf(step.definition), { ok: false, error: "timeout" });
  log(x, { ...entry, outcome: "timeout" });
  return true;
}

/** Remembers an event that waits have taken, after all of them have seen it. */
export function rememberTaken({ run }: Executing, eventId: string): void {
  run.taken = [...run.taken, eventId].slice(-MAX_TAKEN);
}
