import type { Classification } from "../handle/classify.ts";
import { failureInfo } from "../handle/failure-info.ts";
import type { RetryPolicy } from "../handle/retry-policy.ts";
import type { FailureDecision } from "../handle/settle-failure.ts";
import type { NodeAddress } from "../wire/subject.ts";
import type { Attempt } from "./dead-letter.ts";

/**
 * How the handling of an event stands. `failed`: time cannot cure it; `dead_letter`: its retries are spent. The event
 * of either lies in the dead letters. A success at the first attempt is counted, not recorded.
 */
export type ProcessingStatus = "pending" | "success" | "failed" | "retrying" | "dead_letter";

/** The reaction to a failure. */
export interface RecoveryAction {
  /** RFC 3339. */
  readonly timestamp: string;
  /**
   * The strategy of the wait (`exponential_backoff`, `linear_backoff`, `list_backoff`, `adaptive_backoff`),
   * `dead_letter` where its retries were spent, or `give_up` where time cures nothing.
   */
  readonly action: string;
  readonly backoff_seconds: number;
  /** The reason for the length of the wait, where it was learned. */
  readonly because?: string;
  readonly event_id: string;
}

/**
 * How the handling of one event at one durable went, kept beside the event and never inside it. Field names are those
 * that users of the earlier systems know.
 */
export interface ProcessingRecord {
  readonly event_id: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly event_type: string;
  readonly source: string;
  readonly node: string;
  readonly durable: string;
  readonly stream: string;
  readonly seq: number;
  readonly status: ProcessingStatus;
  readonly error_info?: {
    readonly category: Classification["category"];
    readonly message: string;
    readonly type: string;
    readonly stacktrace: string;
    readonly context: Readonly<Record<string, string>>;
  };
  readonly retry_info?: {
    /** Retries so far: 0 at the first attempt. */
    readonly count: number;
    readonly max_retries: number;
    /** Handler runs of an event that comes too often: without an answer if there are several. */
    readonly starts?: number;
    /** RFC 3339. */
    readonly next_retry_at?: string;
    readonly backoff_seconds?: number;
  };
  /** Oldest first; kept on an event that succeeded in the end. */
  readonly recovery_actions: readonly RecoveryAction[];
  /** The attempts that failed, oldest first; of many the newest. Kept like the actions. */
  readonly attempts?: readonly Attempt[];
  readonly tags?: readonly string[];
}

/** The facts that a record is made from. */
export interface RecordFacts {
  /** An event of a stream, or a run, which is of none: `""` and 0. */
  readonly of: Pick<ProcessingRecord, "event_id" | "event_type" | "source" | "stream" | "seq" | "tags">;
  readonly handler: NodeAddress & { readonly durable: string };
  readonly status: ProcessingStatus;
  /** The last failure and the decision about it; undefined when there is none to report. */
  readonly failed?: { readonly thrown: unknown; readonly decision: FailureDecision } | undefined;
  /** Failed attempts so far. */
  readonly failures: number;
  readonly maxRetries: number;
  /** At the beginning of a run: how many runs have begun and never ended. */
  readonly starts?: number;
  readonly actions: readonly RecoveryAction[];
  readonly attempts: readonly Attempt[];
}

/** The reaction to an attempt that failed. Pure. */
export function recoveryAction(
  decision: FailureDecision,
  { strategy }: Pick<RetryPolicy, "strategy">,
  { event_id, timestamp }: Pick<RecoveryAction, "event_id" | "timestamp">,
): RecoveryAction {
  if (decision.kind === "retry") {
    const { delayMs, because } = decision;
    const why = because === undefined ? {} : { because };
    return { timestamp, action: `${strategy}_backoff`, backoff_seconds: delayMs / 1000, ...why, event_id };
  }
  const action = decision.classification.category === "permanent" ? "give_up" : "dead_letter";
  return { timestamp, action, backoff_seconds: 0, event_id };
}

/** Whether what failed for good is `failed`, as time cures nothing, or a `dead_letter`, as its retries are spent. */
export function finalStatus({ category }: Classification): "failed" | "dead_letter" {
  return category === "permanent" ? "failed" : "dead_letter";
}

/** Failed attempts by what was recorded. Pure. */
export function failuresOf({ status, retry_info: info }: ProcessingRecord): number {
  if (info === undefined) return 0;
  return status === "pending" || status === "success" ? info.count : info.count + 1;
}

/** The record of how something stands now. Pure but for the clock. */
export function newRecord(facts: RecordFacts): ProcessingRecord {
  const { of, handler, status, failed, failures, maxRetries, starts, actions, attempts } = facts;
  const { tags, ...named } = of;
  const nowMs = Date.now();
  const delayMs = failed?.decision.kind === "retry" ? failed.decision.delayMs : undefined;
  const next =
    delayMs === undefined
      ? {}
      : { next_retry_at: new Date(nowMs + delayMs).toISOString(), backoff_seconds: delayMs / 1000 };
  return {
    ...named,
    timestamp: new Date(nowMs).toISOString(),
    node: `${handler.subnet}/${handler.node}`,
    durable: handler.durable,
    status,
    ...(failed === undefined ? {} : { error_info: errorInfo(failed.decision.classification, failed.thrown) }),
    retry_info: {
      // The attempt that has failed now was the first, or a retry.
      count: failed === undefined ? failures : Math.max(failures - 1, 0),
      max_retries: maxRetries,
      ...(starts === undefined ? {} : { starts }),
      ...next,
    },
    recovery_actions: actions,
    ...(attempts.length === 0 ? {} : { attempts }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
  };
}

function errorInfo(
  classification: Classification,
  thrown: unknown,
): NonNullable<ProcessingRecord["error_info"]> {
  const failure = failureInfo(thrown);
  return {
    category: classification.category,
    message: failure.message,
    type: failure.type,
    stacktrace: failure.stack,
    context: { rule: classification.rule },
  };
}
