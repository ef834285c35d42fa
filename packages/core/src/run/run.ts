import { type Attempt, attemptOf, newRunLetter } from "../dead-letter/dead-letter.ts";
import type { FailureJournal } from "../dead-letter/failure-journal.ts";
import { alertGivenUp } from "../dead-letter/given-up-alert.ts";
import {
  finalStatus,
  newRecord,
  type ProcessingRecord,
  type RecoveryAction,
  recoveryAction,
} from "../dead-letter/processing-record.ts";
import type { ClassifyRule } from "../handle/classify.ts";
import {
  type CureTimes,
  type FailedAttempts,
  failingMs,
  kindOfFailure,
  type RunCures,
} from "../handle/cure-times.ts";
import { type RetryOptions, type RetryPolicy, resolveRetry } from "../handle/retry-policy.ts";
import { type FailureDecision, settleFailure } from "../handle/settle-failure.ts";
import { MeshError, messageOf } from "../language/errors.ts";
import { newEventId } from "../language/event-id.ts";
import { quote } from "../language/event-name.ts";
import { HandlingMetrics } from "../measure/handling-metrics.ts";
import type { Metrics } from "../measure/metrics.ts";
import { inRunSpan } from "../measure/tracing.ts";
import { delay } from "../time/delay.ts";
import { joined } from "../time/joined.ts";
import { TimeLimit } from "../time/time-limit.ts";
import type { Logger } from "../transport.ts";
import type { LetterOwner } from "../wire/dead-letter-subject.ts";
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

/** The context that an attempt gets. */
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
  /** For policies that learn; without it they learn nothing. */
  readonly cures?: RunCures;
}

/** In a record's place of a durable. */
const RUN_DURABLE = "run";
const MAX_NAME_LENGTH = 128;
const MAX_TAGS = 32;
const MAX_TAG_LENGTH = 100;
/** The newest actions and attempts that are kept of each run. */
const MAX_KEPT = 50;

/**
 * Runs an action as a handler is run: failures are classified, curable ones are repeated after a wait, and every
 * attempt is recorded. Unlike an event's, its waits are in this process and end with it. One that fails for good is a
 * dead letter. Rejects with `failed`, which carries the run's id and whose cause is the last failure, with `usage`, or
 * with the signal's reason.
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
  const signal = options.signal === undefined ? closing : joined([closing, options.signal]);
  const run = new Run(runner, name, retry, tags);
  const limit = new TimeLimit(name, timeoutMs);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    let decision: FailureDecision;
    try {
      const value = await run.metrics.timed(() =>
        inRunSpan({ name, id: run.id, attempt }, () =>
          limit.run(({ signal: inner }) => action({ runId: run.id, attempt, signal: inner }), signal),
        ),
      );
      await run.succeeded();
      return { runId: run.id, value, attempts: attempt };
    } catch (thrown) {
      signal.throwIfAborted();
      decision = run.decide(thrown, attempt, classify);
      await run.failed(thrown, decision);
      if (decision.kind !== "retry") throw run.error(thrown, attempt);
    }
    await delay(decision.delayMs, signal);
    signal.throwIfAborted();
  }
}

/** The state of one run. */
class Run {
  readonly id = newEventId(Date.now());
  readonly metrics: HandlingMetrics;
  readonly #runner: Runner;
  readonly #name: string;
  readonly #retry: RetryPolicy;
  readonly #tags: readonly string[];
  readonly #cures: CureTimes | undefined;
  #failures = 0;
  #kind = "";
  #actions: readonly RecoveryAction[] = [];
  #attempts: readonly Attempt[] = [];

  constructor(runner: Runner, name: string, retry: RetryPolicy, tags: readonly string[]) {
    this.#runner = runner;
    this.#name = name;
    this.#retry = retry;
    this.#tags = tags;
    this.#cures = retry.strategy === "adaptive" ? runner.cures?.of(name) : undefined;
    this.metrics = new HandlingMetrics(runner.metrics, RUN_DURABLE);
  }

  async succeeded(): Promise<void> {
    this.metrics.succeeded(undefined, { failures: this.#failures }, true);
    if (this.#failures > 0) this.#cures?.passed(this.#kind, this.#past, Date.now());
    await this.#record("success");
  }

  /** Decides about an attempt that failed. */
  decide(thrown: unknown, attempt: number, rules: readonly ClassifyRule[]): FailureDecision {
    const nowMs = Date.now();
    const cures = this.#cures;
    const experience = cures && { cures, told: thrown, failedMs: failingMs(this.#past, nowMs), nowMs };
    const decision = settleFailure(thrown, attempt, this.#retry, rules, Math.random(), experience);
    const { classification } = decision;
    this.#kind = kindOfFailure(thrown, classification);
    const isSpent = decision.kind === "dead-letter" && classification.category !== "permanent";
    if (isSpent) cures?.lasted(this.#kind, this.#past, nowMs);
    return decision;
  }

  /** Writes down an attempt that failed, and of the last one that it was. Never rejects. */
  async failed(thrown: unknown, decision: FailureDecision): Promise<void> {
    const { log } = this.#runner;
    const isLast = decision.kind !== "retry";
    const { category } = decision.classification;
    const outcome = isLast ? "deadLettered" : "retried";
    this.metrics.failed(undefined, { failures: this.#failures }, { outcome, category }, thrown);
    this.#failures++;
    const attempt = attemptOf(thrown, Date.now());
    this.#attempts = [...this.#attempts, attempt].slice(-MAX_KEPT);
    const done = recoveryAction(decision, this.#retry, { event_id: this.id, timestamp: attempt.at });
    this.#actions = [...this.#actions, done].slice(-MAX_KEPT);
    await this.#record(isLast ? finalStatus(decision.classification) : "retrying", { thrown, decision });
    const fields = { run: this.#name, runId: this.id, attempt: this.#failures, err: thrown };
    if (!isLast) return log.warn({ ...fields, delayMs: decision.delayMs }, "run failed");
    await this.#storeLetter(thrown, decision);
    log.error({ ...fields, category }, "run failed for good");
    const { subnet, node } = this.#runner.address;
    const given = {
      component: `${subnet}/${node}`,
      event_id: this.id,
      event_type: this.#name,
      durable: RUN_DURABLE,
      category,
      attempts: this.#failures,
    };
    alertGivenUp(this.#runner, this.#retry, given, thrown);
  }

  error(cause: unknown, attempts: number): MeshError {
    const tries = attempts === 1 ? "at its first attempt" : `after ${attempts} attempts`;
    const message = `${this.#name} failed for good ${tries} (run ${this.id}): ${messageOf(cause)}`;
    return new MeshError("failed", message, { cause, runId: this.id });
  }

  get #past(): FailedAttempts {
    return { attempts: this.#attempts, actions: this.#actions };
  }

  get #handler(): LetterOwner {
    return { ...this.#runner.address, durable: RUN_DURABLE };
  }

  /** A record serves later reports; the run goes on without it. */
  async #record(
    status: ProcessingRecord["status"],
    failed?: { readonly thrown: unknown; readonly decision: FailureDecision },
  ): Promise<void> {
    const { component, address, journal } = this.#runner;
    const of = {
      event_id: this.id,
      event_type: this.#name,
      source: `${component}@${address.node}`,
      stream: "",
      seq: 0,
      tags: this.#tags,
    };
    const record = newRecord({
      of,
      handler: this.#handler,
      status,
      failed,
      failures: this.#failures,
      maxRetries: this.#retry.maxRetries,
      actions: this.#actions,
      attempts: this.#attempts,
    });
    await this.#keep("processing record", journal.record(record));
  }

  async #storeLetter(error: unknown, { classification }: FailureDecision): Promise<void> {
    const [runId, name, attempts] = [this.id, this.#name, this.#attempts];
    const facts = { runId, name, handler: this.#handler, classification, error, attempts };
    const letter = newRunLetter({ ...facts, nowMs: Date.now() });
    await this.#keep("dead letter", this.#runner.journal.storeDeadLetter(letter));
  }

  async #keep(what: string, stored: Promise<void>): Promise<void> {
    try {
      await stored;
    } catch (err) {
      this.#runner.log.warn({ run: this.#name, runId: this.id, err }, `${what} not stored`);
    }
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
