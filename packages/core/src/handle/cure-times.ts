import type { Attempt } from "../dead-letter/dead-letter.ts";
import type { RecoveryAction } from "../dead-letter/processing-record.ts";
import { RecentMap } from "../language/recent-map.ts";
import type { Classification } from "./classify.ts";
import { failureInfo } from "./failure-info.ts";

/** A failure that has passed, or that was given up. */
interface Cure {
  readonly atMs: number;
  readonly tookMs: number;
}

/** How long failures of one kind took to pass, shortest first, milliseconds from the first failed attempt. */
export interface KnownCures {
  readonly kind: string;
  readonly tookMs: readonly number[];
}

/** The attempts that failed, and the waits between them; both oldest first. */
export interface FailedAttempts {
  readonly attempts: readonly Pick<Attempt, "at">[];
  readonly actions: readonly Pick<RecoveryAction, "backoff_seconds">[];
}

/** Cures older than this do not count. */
const WINDOW_MS = 3_600_000;
/** The maximum of cures that are kept of each kind of failure; the newest stay. */
const MAX_CURES = 100;
/** Kinds come from code that is not ours, so their number is limited. */
const MAX_KINDS = 100;

/** Failures of one kind are those that say the same of themselves and were classified by the same rule. Pure. */
export function kindOfFailure(error: unknown, { rule }: Classification): string {
  return `${failureInfo(error).type} (${rule})`;
}

/** Milliseconds from the first failed attempt to a time; 0 where there was none. Pure. */
export function failingMs({ attempts: [first] }: Pick<FailedAttempts, "attempts">, untilMs: number): number {
  return first === undefined ? 0 : Math.max(untilMs - Date.parse(first.at), 0);
}

/**
 * How long failures of one durable took to pass within the last hour, by their kind. Each process learns for itself and
 * begins without knowledge; the number of stored cures is bounded.
 */
export class CureTimes {
  readonly #cures = new RecentMap<string, readonly Cure[]>(MAX_KINDS / 2);

  of(kind: string, nowMs: number): KnownCures {
    const recent = this.#recent(kind, nowMs);
    return { kind, tookMs: recent.map(({ tookMs }) => tookMs).sort((a, b) => a - b) };
  }

  /**
   * An attempt has succeeded. The failure passed between the attempt before and this one: the middle of both is taken,
   * so that waits that are longer than need be grow shorter.
   */
  passed(kind: string, past: FailedAttempts, nowMs: number): void {
    const last = past.attempts.at(-1);
    const waitedMs = (past.actions.at(-1)?.backoff_seconds ?? 0) * 1000;
    if (last !== undefined) this.#keep(kind, failingMs(past, Date.parse(last.at)) + waitedMs / 2, nowMs);
  }

  /** The last attempt has failed too: to pass, it would have taken longer; twice as long is taken. */
  lasted(kind: string, past: FailedAttempts, nowMs: number): void {
    this.#keep(kind, failingMs(past, nowMs) * 2, nowMs);
  }

  #keep(kind: string, tookMs: number, atMs: number): void {
    // A policy without retries has nothing to learn from.
    if (tookMs <= 0) return;
    this.#cures.set(kind, [...this.#recent(kind, atMs), { atMs, tookMs }].slice(-MAX_CURES));
  }

  #recent(kind: string, nowMs: number): readonly Cure[] {
    return (this.#cures.get(kind) ?? []).filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
  }
}

/** The times in which failures of runs passed, by name, since the runs of each name are a handler of their own. */
export class RunCures {
  readonly #byName = new RecentMap<string, CureTimes>(MAX_KINDS / 2);

  of(name: string): CureTimes {
    const known = this.#byName.get(name) ?? new CureTimes();
    this.#byName.set(name, known);
    return known;
  }
}
