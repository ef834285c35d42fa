import type { FailureJournal } from "../dead-letter/failure-journal.ts";
import { alertGivenUp } from "../dead-letter/given-up-alert.ts";
import { newRecord, type ProcessingRecord, type RecoveryAction } from "../dead-letter/processing-record.ts";
import type { ClassifyRule } from "../handle/classify.ts";
import { type RetryOptions, resolveRetry } from "../handle/retry-policy.ts";
import { type FailureDecision, settleFailure } from "../handle/settle-failure.ts";
import { MeshError } from "../language/errors.ts";
import { newEventId } from "../language/event-id.ts";
import { quote } from "../language/event-name.ts";
import { HandlingMetrics } from "../measure/handling-metrics.ts";
import type { Metrics } from "../measure/metrics.ts";
import { delay } from "../time/delay.ts";
import { TimeLimit } from "../time/time-limit.ts";
import type { Logger } from "../transport.ts";
import type { NodeAddress } from "../wire/subject.ts";

export interface RunOptions {
  /** When a failed attempt is repeated, and how often. @default "p1": 3 retries after 2, 4, 8 s, ±20 % */
  readonly retry?: RetryOptions;
  /** Rules that say whether time can cure a failure, asked before the built-in ones. */
  readonly classify?: readonly ClassifyRule[];
  /** Longest attempt; its signal is aborted then. 100 to 3600000. @default 30000 */
  readonly timeoutMs?: number;
  /** Words to find the record by; at most 32 of at most 100 characters. */
  readonly tags?: readonly string[];
  /** Ends the run early: no more attempts. */
  readonly signal?: AbortSignal;
}

/** What an attempt may ask. */
export interface RunContext {
  readonly runId: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborted when the attempt's time is up. */
  readonly signal: AbortSignal;
}

export interface RunResult<T> {
  /** Finds the record: `adaos events detail <id>`. */
  readonly runId: string;
  readonly value: T;
  readonly attempts: number;
}

/** As whom, and where it is written down. */
export interface Runner {
  readonly address: NodeAddress;
  readonly component: string;
  readonly journal: FailureJournal;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

/** In a record's place of a durable. */
const RUN_DURABLE = "run";
const MAX_NAME_LENGTH = 128;
const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 100;
/** Of each run so many actions are kept, the newest. */
const MAX_ACTIONS = 50;

/**
 * Runs an action as a handler is run: failures are classified, curable ones are repeated after a wait, and every
 * attempt is recorded. Unlike an event's, its waits are in this process and end with it. Rejects with the last failure,
 * with `usage`, or with the signal's reason.
 */
export async function runAction<T>(
  runner: Runner,
  name: string,
  action: (context: RunContext) => T | Promise<T>,
  options: RunOptions,
  closing: AbortSignal,
): Promise<RunResult<T>> {
  const { classify = [], timeoutMs = 30_000, tags = [] } = options;
  assertNamed(name, tags);
  const retry = resolveRetry(options.retry);
  const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
  const runId = newEventId(Date.now());
  const actions: RecoveryAction[] = [];
  const metrics = new HandlingMetrics(runner.metrics, RUN_DURABLE);
  const limit = new TimeLimit(name, timeoutMs);
  const facts = {
    of: { event_id: runId, event_type: name, source: sourceOf(runner), stream: "", seq: 0, tags },
    handler: { ...runner.address, durable: RUN_DURABLE },
    maxRetries: retry.maxRetries,
  };
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    let decision: FailureDecision;
    try {
      const value = await metrics.timed(() =>
        limit.run(({ signal: inner }) => action({ runId, attempt, signal: inner }), signal),
      );
      metrics.succeeded(undefined, { failures: attempt - 1 }, true);
      await keep(runner, newRecord({ ...facts, status: "success", failures: attempt - 1, actions }));
      return { runId, value, attempts: attempt };
    } catch (thrown) {
      signal.throwIfAborted();
      decision = settleFailure(thrown, attempt, retry, classify, Math.random());
      const delayMs = decision.kind === "retry" ? decision.delayMs : undefined;
      const outcome = decision.kind === "retry" ? "retried" : "deadLettered";
      const { category } = decision.classification;
      metrics.failed(undefined, { failures: attempt - 1 }, { outcome, category }, thrown);
      actions.push(actionOf(runId, delayMs));
      const status = decision.kind === "retry" ? "retrying" : "failed";
      const newest = actions.slice(-MAX_ACTIONS);
      const failed = { thrown, decision };
      await keep(runner, newRecord({ ...facts, status, failed, failures: attempt, actions: newest }));
      const fields = { run: name, runId, attempt, err: thrown };
      if (decision.kind !== "retry") {
        runner.log.error({ ...fields, category: decision.classification.category }, "run failed for good");
        const given = {
          event_id: runId,
          event_type: name,
          durable: RUN_DURABLE,
          category,
          attempts: attempt,
        };
        alertGivenUp(runner, retry, { component: nodeOf(runner), ...given }, thrown);
        throw thrown;
      }
      runner.log.warn({ ...fields, delayMs: decision.delayMs }, "run failed");
    }
    await delay(decision.delayMs, signal);
    signal.throwIfAborted();
  }
}

function nodeOf({ address: { subnet, node } }: Runner): string {
  return `${subnet}/${node}`;
}

function sourceOf({ component, address }: Runner): string {
  return `${component}@${address.node}`;
}

function actionOf(runId: string, delayMs: number | undefined): RecoveryAction {
  const action = delayMs === undefined ? "give_up" : "retry";
  return {
    timestamp: new Date().toISOString(),
    action,
    backoff_seconds: (delayMs ?? 0) / 1000,
    event_id: runId,
  };
}

/** A record is for whoever looks later; the run goes on without it. */
async function keep({ journal, log }: Runner, record: ProcessingRecord): Promise<void> {
  try {
    await journal.record(record);
  } catch (err) {
    log.warn({ run: record.event_type, runId: record.event_id, err }, "processing record not stored");
  }
}

function assertNamed(name: string, tags: readonly string[]): void {
  if (!/^[ -~]+$/.test(name) || name.length > MAX_NAME_LENGTH) {
    throw new MeshError(
      "usage",
      `run name ${quote(name)} must be 1 to ${MAX_NAME_LENGTH} printable characters`,
    );
  }
  if (tags.length <= MAX_TAGS && tags.every((tag) => tag !== "" && tag.length <= MAX_TAG_LENGTH)) return;
  throw new MeshError("usage", `tags must be at most ${MAX_TAGS} of 1 to ${MAX_TAG_LENGTH} characters`);
}
