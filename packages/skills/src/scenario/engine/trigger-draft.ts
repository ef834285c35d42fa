import type { Scenario } from "./compile.ts";
import type {
  ConditionRecord,
  RunTrigger,
  Skip,
  SkipCause,
  Start,
  TriggerState,
  WaitingStart,
} from "./state.ts";

/** Events, holds and keys that a scenario keeps between two inputs. */
export const MAX_KEPT = 500;
/** Bytes of events that wait in one state. */
const MAX_KEPT_BYTES = 384 * 1024;
/** More than a process has in hand at a time: whatever comes again is known. */
const MAX_SEEN = 512;

/** An end that others want of a run. */
export interface Cancel {
  readonly runId: string;
  readonly reason: string;
}

export type Draft = { -readonly [K in keyof TriggerState]: TriggerState[K] };

/** One decision while it is made. */
export interface Deciding {
  readonly scenario: Scenario;
  readonly nowMs: number;
  /** Runs under way take so much room that no further one may begin. */
  readonly isFull: boolean;
  readonly draft: Draft;
  readonly starts: Start[];
  readonly cancels: Cancel[];
  readonly skips: Skip[];
}

/** What a trigger has come to before it is known whether it starts a run. */
export interface Candidate {
  readonly trigger: RunTrigger;
  readonly key: string;
  readonly conditions: readonly ConditionRecord[];
}

export function skip(
  { scenario: { name, hash }, nowMs, skips }: Deciding,
  { trigger, key, conditions }: Candidate,
  cause: SkipCause,
  reason: string,
): void {
  skips.push({ scenario: name, hash, atMs: nowMs, cause, reason, trigger, key, conditions });
}

/** Keeps a start for later, with its size; undefined when the state is full, which is reported. */
export function kept(deciding: Deciding, start: Start): WaitingStart | undefined {
  const { draft } = deciding;
  const all: readonly WaitingStart[] = [
    ...draft.waiting,
    ...draft.debounced,
    ...draft.holds.flatMap(({ due }) => (due === undefined ? [] : [due])),
  ];
  const bytes = Buffer.byteLength(JSON.stringify(start));
  const sum = all.reduce((total, one) => total + one.bytes, bytes);
  const { length: states } = draft.holds;
  if (sum <= MAX_KEPT_BYTES && states < MAX_KEPT && all.length < MAX_KEPT) return { ...start, bytes };
  const reason =
    states < MAX_KEPT
      ? `the scenario keeps ${all.length} events of ${sum} bytes already`
      : `${states} states hold already, and have not ended`;
  skip(deciding, start, "overflow", reason);
  return undefined;
}

/** Marks an event as handled, so that it has no consequence when it comes again. */
export function markSeen({ draft }: Pick<Deciding, "draft">, eventId: string): void {
  if (!draft.seen.includes(eventId)) draft.seen = [...draft.seen, eventId].slice(-MAX_SEEN);
}
