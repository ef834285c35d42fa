import type { Classification } from "../handle/classify.ts";
import type { FailureInfo } from "../handle/failure-info.ts";

/**
 * How the handling of an event stands. `failed`: time cannot cure it; `dead_letter`: its retries are spent. The event
 * of either lies in the dead letters. A success at the first attempt is counted, not recorded.
 */
export type ProcessingStatus = "pending" | "success" | "failed" | "retrying" | "dead_letter";

/** What was done about a failure. */
export interface RecoveryAction {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly action: string;
  readonly backoff_seconds: number;
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
    /** Retries so far. */
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
  readonly tags?: readonly string[];
}

/** The error of a record. */
export function errorInfo(
  classification: Classification,
  failure: FailureInfo,
): NonNullable<ProcessingRecord["error_info"]> {
  return {
    category: classification.category,
    message: failure.message,
    type: failure.type,
    stacktrace: failure.stack,
    context: { rule: classification.rule },
  };
}
