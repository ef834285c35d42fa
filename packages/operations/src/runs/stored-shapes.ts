import { RUN_OUTCOMES, type Run, SKIP_CAUSES, type SkipRecord, type StoredTriggers } from "@adaos/skills";
import { z } from "zod";

/**
 * What members have stored of their scenarios, as far as operators read it. A member may write anything there, and so
 * may a newer version of this program: what is not of this shape is left out, and hides nothing of others.
 */

const text = z.string();
const count = z.int().min(0);
/** A time that a calendar has. */
const time = z.number().min(0).max(8.64e15);

const trigger = z.looseObject({
  kind: z.enum(["event", "timer", "hold", "run"]),
  index: z.int(),
  id: text.optional(),
  nominalMs: time,
  event: z.looseObject({ event_id: text, event_name: text, version: count }).optional(),
});

const condition = z.looseObject({
  text,
  value: z.boolean().optional(),
  values: z.record(text, z.unknown()),
  error: text.optional(),
});

const entry = z.looseObject({
  step: text,
  verb: text,
  atMs: time,
  ms: z.number().optional(),
  outcome: z.enum(["done", "failed", "timeout", "shadow", "branch"]),
  event: text.optional(),
  eventId: text.optional(),
  digest: text.optional(),
  branch: z.int().optional(),
  conditions: z.array(condition).optional(),
  error: text.optional(),
});

const sequence: z.ZodType = z.lazy(() => z.looseObject({ at: z.int(), inner: step.optional() }));
const leaf = { sinceMs: time, dueMs: time.optional() };
const step = z.discriminatedUnion("kind", [
  z.looseObject({ kind: z.literal("effect"), ...leaf, effect: z.looseObject({ event: text }) }),
  z.looseObject({ kind: z.literal("delay"), ...leaf, dueMs: time }),
  z.looseObject({ kind: z.literal("wait"), ...leaf, dueMs: time }),
  z.looseObject({ kind: z.literal("branch"), branch: z.int(), body: sequence }),
  z.looseObject({ kind: z.literal("parallel"), bodies: z.array(sequence) }),
  z.looseObject({ kind: z.literal("repeat"), index: z.int(), body: sequence }),
  z.looseObject({ kind: z.literal("recover"), body: sequence }),
]);

const run = z.looseObject({
  v: z.literal(1),
  id: text,
  scenario: text,
  hash: text,
  text,
  key: text,
  trigger,
  conditions: z.array(condition),
  isShadow: z.boolean(),
  startedMs: time,
  endedMs: time.optional(),
  steps: z.record(text, z.unknown()),
  log: z.array(entry),
  unlogged: count,
  cursor: sequence.optional(),
  outcome: z.enum(RUN_OUTCOMES).optional(),
  reason: text.optional(),
});

const cause = z.enum(SKIP_CAUSES);

const skips = z.looseObject({
  v: z.literal(1),
  fromMs: time,
  toMs: time,
  counts: z.partialRecord(cause, count),
  newest: z.array(
    z.looseObject({
      hash: text,
      atMs: time,
      cause,
      reason: text,
      key: text,
      trigger,
      conditions: z.array(condition),
    }),
  ),
});

const keyed = { runId: text, key: text, trigger };
const state = z.looseObject({
  v: z.literal(1),
  triggers: z.looseObject({
    isPaused: z.boolean(),
    active: z.array(z.looseObject({ runId: text, key: text })),
    waiting: z.array(z.looseObject(keyed)),
    debounced: z.array(z.looseObject({ ...keyed, dueMs: time })),
    holds: z.array(z.looseObject({ key: text, due: z.looseObject({ ...keyed, dueMs: time }).optional() })),
    cooling: z.array(z.looseObject({ key: text, untilMs: time })),
    timers: z.array(z.looseObject({ nextMs: time.optional() })),
  }),
  unrecorded: z.array(text),
  hash: text,
  asked: z.array(z.looseObject({ id: text, kind: text })),
});

/** Reads bytes as JSON of a shape; undefined where they are not. Pure. */
export type ReadStored<T> = (body: Uint8Array) => T | undefined;

export const readRun: ReadStored<Run> = reader<Run>(run);
export const readSkips: ReadStored<SkipRecord> = reader<SkipRecord>(skips);
export const readState: ReadStored<StoredTriggers> = reader<StoredTriggers>(state);

function reader<T>(shape: z.ZodType): ReadStored<T> {
  return (body) => {
    try {
      const value: unknown = JSON.parse(new TextDecoder().decode(body));
      // The value as it was written: the shape has the fields that are read, not all.
      return shape.safeParse(value).success ? (value as T) : undefined;
    } catch {
      // No JSON, or nested too deeply.
      return undefined;
    }
  };
}
