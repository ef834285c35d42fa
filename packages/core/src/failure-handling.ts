import type { Classification, ClassifyRule, FailureCategory } from "./classify.ts";
import { type Attempt, newDeadLetter } from "./dead-letter.ts";
import type { Envelope } from "./envelope.ts";
import { MeshError } from "./errors.ts";
import { failureInfo } from "./failure-info.ts";
import type { Delivery, FailureJournal, Logger, Settlement } from "./ports.ts";
import { errorInfo, type ProcessingRecord, type RecoveryAction } from "./processing-record.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import { type FailureDecision, settleFailure } from "./settle-failure.ts";
import type { EventAddress, NodeAddress } from "./subject.ts";

/** What came of a failed attempt. */
export type FailureOutcome = "retried" | "deadLettered" | "held";

/** How to settle a failed attempt, what came of it and why. */
export interface FailureEnding {
  readonly settlement: Settlement;
  readonly outcome: FailureOutcome;
  readonly category: FailureCategory;
}

export interface FailureSettings {
  readonly address: NodeAddress;
  readonly durable: string;
  readonly retry: RetryPolicy;
  readonly rules: readonly ClassifyRule[];
  readonly journal: FailureJournal;
  readonly log: Logger;
}

/** A delivery as far as it could be read. */
export interface FailedDelivery {
  readonly delivery: Delivery;
  readonly address: EventAddress | undefined;
  readonly envelope: Envelope | undefined;
}

/** What went before at one event, from this process or from the journal. */
export interface History {
  readonly attempts: readonly Attempt[];
  /** Failed attempts so far; more than `attempts` holds when another process made some of them, or they were many. */
  readonly failures: number;
  /** Deliveries that were put off here for reasons that are not the handler's. */
  readonly holds: number;
  readonly actions: readonly RecoveryAction[];
  /** Why it is a dead letter: decided, perhaps stored already, so that no handler may get it any more. */
  readonly verdict?: Verdict;
  /** Why the journal could not be asked: a verdict may be missing here. */
  readonly trouble?: unknown;
}

/** Why an event is to be a dead letter. */
export interface Verdict {
  readonly classification: Classification;
  readonly error: unknown;
}

/** Of a first delivery. */
export const NO_HISTORY: History = { attempts: [], failures: 0, holds: 0, actions: [] };
/** Events whose failures are remembered here; of older ones the journal tells. */
const MAX_REMEMBERED = 10_000;
/** Deliveries beyond the policy's attempts that may end without an answer: restarts, lost connections. */
const UNANSWERED_DELIVERIES = 25;
/** Of each event this many attempts and actions are kept, the newest: a dead letter must fit into a message. */
const MAX_KEPT = 50;
const MAX_ATTEMPT_MESSAGE_LENGTH = 500;
/** An event whose dead letter or mark cannot be written is tried again after this. */
const HOLD_MS = 5000;

/** Ends failed deliveries: decides, writes down, and says how to settle. */
export class FailureHandling {
  readonly #settings: FailureSettings;
  readonly #histories = new Map<number, History>();

  constructor(settings: FailureSettings) {
    this.#settings = settings;
  }

  /**
   * What went before this delivery. Where not all of it happened here, it asks the journal, so that no attempt of an
   * earlier process, or of one that shares the durable, is forgotten. Never rejects: where the journal does not answer,
   * `trouble` says why.
   */
  async historyOf(delivery: Delivery, eventId: string): Promise<History> {
    if (delivery.deliveryCount <= 1) return NO_HISTORY;
    const here = this.#histories.get(delivery.seq) ?? NO_HISTORY;
    if (here.verdict !== undefined) return here;
    if (here.failures + here.holds >= delivery.deliveryCount - 1) return here;
    const { journal, durable } = this.#settings;
    try {
      const record = await journal.lastRecord(durable, eventId);
      // A record of another delivery of the same id (a replay) tells nothing of this one.
      if (record === undefined || record.seq !== delivery.seq) return here;
      const verdict = verdictOf(record);
      if (verdict !== undefined) return { ...here, ...verdict };
      const failures = record.retry_info?.count ?? 0;
      if (failures <= here.failures) return here;
      return { ...here, failures, actions: record.recovery_actions };
    } catch (trouble) {
      return { ...here, trouble };
    }
  }

  /** Why a delivery should not even be tried: it ends the process, or nobody ever answers for it. */
  spentReason({ deliveryCount }: Delivery, { failures, holds }: History): MeshError | undefined {
    const { maxRetries } = this.#settings.retry;
    if (deliveryCount <= maxRetries + 1 + UNANSWERED_DELIVERIES + failures + holds) return undefined;
    const message = `was delivered ${deliveryCount} times and never settled; its handler may end the process`;
    return new MeshError("internal", message);
  }

  /** Records that an event succeeded after failures; a plain success is only counted. */
  async succeeded(failed: FailedDelivery, history: History): Promise<void> {
    this.#histories.delete(failed.delivery.seq);
    if (history.failures > 0) await this.#record(failed, history, { status: "success" });
  }

  /** Puts a delivery off that could not be tried, or whose success could not be written down: no attempt is counted. */
  held(delivery: Delivery, { trouble: _, ...history }: History, cause: unknown): Settlement {
    const { log, durable } = this.#settings;
    const { message, seq } = delivery;
    log.warn({ durable, subject: message.subject, seq, err: cause, delayMs: HOLD_MS }, "delivery put off");
    this.#remember(seq, { ...history, holds: history.holds + 1 });
    return { kind: "nak", delayMs: HOLD_MS };
  }

  /** Decides about a failed attempt and writes it down. Never rejects. */
  async failed(failed: FailedDelivery, history: History, thrown: unknown): Promise<FailureEnding> {
    const { retry, rules, log, durable } = this.#settings;
    const { delivery } = failed;
    const attempt = history.failures + 1;
    const decision = settleFailure(thrown, attempt, retry, rules, Math.random());
    const fields = { durable, subject: delivery.message.subject, seq: delivery.seq, attempt, err: thrown };
    if (decision.kind === "retry") {
      const now = withAttempt(history, failed, thrown, { action: "retry", delayMs: decision.delayMs });
      log.warn({ ...fields, delayMs: decision.delayMs }, "delivery failed");
      this.#remember(delivery.seq, now);
      await this.#record(failed, now, { status: "retrying", thrown, decision });
      const settlement = { kind: "nak", delayMs: decision.delayMs } as const;
      return { settlement, outcome: "retried", category: decision.classification.category };
    }
    const { classification } = decision;
    log.error({ ...fields, category: classification.category }, "delivery failed for good");
    const now = withAttempt(history, failed, thrown, { action: "dead_letter", delayMs: 0 });
    // The verdict first: whoever gets the event after a crash must not handle what may be a dead letter by then.
    // Whether retries were spent or there was no use in any, both lie in the dead letters.
    const status = classification.category === "permanent" ? "failed" : "dead_letter";
    await this.#record(failed, now, { status, thrown, decision });
    const verdict = { classification, error: thrown };
    try {
      return await this.#end(failed, now, verdict);
    } catch (err) {
      if (err instanceof MeshError && err.code === "timeout")
        return this.#putOff(failed, { ...now, verdict }, verdict, err);
      // Certainly not stored: the event may still succeed. Counted as a failure: a long outage of the journal must not
      // look like a handler that ends the process.
      return this.#putOff(
        failed,
        withAttempt(history, failed, thrown, { action: "retry", delayMs: HOLD_MS }),
        verdict,
        err,
      );
    }
  }

  /** Ends a delivery about which it was decided before; its dead letter is stored unless it is there. Never rejects. */
  async condemned(failed: FailedDelivery, history: History, verdict: Verdict): Promise<FailureEnding> {
    try {
      return await this.#end(failed, history, verdict);
    } catch (err) {
      return this.#putOff(failed, history, verdict, err);
    }
  }

  /** Rejects when the dead letter cannot be stored. */
  async #end(failed: FailedDelivery, history: History, verdict: Verdict): Promise<FailureEnding> {
    const { address, durable, journal } = this.#settings;
    const entry = newDeadLetter({
      ...failed,
      handler: { ...address, durable },
      ...verdict,
      attempts: history.attempts,
      nowMs: Date.now(),
    });
    // Dead letter first: a crash before the delivery has ended repeats it; the other order loses it.
    await journal.storeDeadLetter(entry);
    this.#histories.delete(failed.delivery.seq);
    const settlement = { kind: "term", reason: entry.error.message } as const;
    return { settlement, outcome: "deadLettered", category: verdict.classification.category };
  }

  #putOff(
    { delivery: { seq } }: FailedDelivery,
    history: History,
    { classification }: Verdict,
    err: unknown,
  ): FailureEnding {
    this.#settings.log.error({ durable: this.#settings.durable, seq, err }, "dead letter not stored");
    this.#remember(seq, history);
    const settlement = { kind: "nak", delayMs: HOLD_MS } as const;
    return { settlement, outcome: "held", category: classification.category };
  }

  #remember(seq: number, history: History): void {
    this.#histories.set(seq, history);
    if (this.#histories.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#histories.keys()) {
      this.#histories.delete(oldest);
      return;
    }
  }

  /** A record is for whoever looks later; handling goes on without it. */
  async #record(failed: FailedDelivery, history: History, state: RecordState): Promise<void> {
    const { address, durable, retry, journal, log } = this.#settings;
    const { delivery, envelope } = failed;
    if (envelope === undefined) return;
    try {
      await journal.record(
        newRecord({
          envelope,
          delivery,
          node: `${address.subnet}/${address.node}`,
          durable,
          history,
          retry,
          state,
        }),
      );
    } catch (err) {
      log.warn({ durable, seq: delivery.seq, err }, "processing record not stored");
    }
  }
}

interface RecordState {
  readonly status: "success" | "retrying" | "failed" | "dead_letter";
  readonly thrown?: unknown;
  readonly decision?: FailureDecision;
}

interface RecordFacts {
  readonly envelope: Envelope;
  readonly delivery: Delivery;
  readonly node: string;
  readonly durable: string;
  readonly history: History;
  readonly retry: RetryPolicy;
  readonly state: RecordState;
}

function newRecord({
  envelope,
  delivery,
  node,
  durable,
  history,
  retry,
  state,
}: RecordFacts): ProcessingRecord {
  const { status, thrown, decision } = state;
  const nowMs = Date.now();
  const delayMs = decision?.kind === "retry" ? decision.delayMs : undefined;
  return {
    event_id: envelope.event_id,
    timestamp: new Date(nowMs).toISOString(),
    event_type: envelope.event_name,
    source: envelope.source,
    node,
    durable,
    stream: delivery.stream,
    seq: delivery.seq,
    status,
    ...(decision === undefined
      ? {}
      : { error_info: errorInfo(decision.classification, failureInfo(thrown)) }),
    retry_info: {
      count: history.failures,
      max_retries: retry.maxRetries,
      ...(delayMs === undefined
        ? {}
        : { next_retry_at: new Date(nowMs + delayMs).toISOString(), backoff_seconds: delayMs / 1000 }),
    },
    recovery_actions: history.actions,
  };
}

/** What an earlier process has decided; of its attempts only the last is known. */
function verdictOf({
  status,
  timestamp: at,
  error_info: info,
}: ProcessingRecord): Partial<History> | undefined {
  if ((status !== "failed" && status !== "dead_letter") || info === undefined) return undefined;
  const { category, context, message, type, stacktrace: stack } = info;
  const error = Object.assign(new Error(message), { name: type, stack });
  return {
    attempts: [{ at, type, message: message.slice(0, MAX_ATTEMPT_MESSAGE_LENGTH) }],
    verdict: { classification: { category, rule: context["rule"] ?? "none" }, error },
  };
}

/** The history with one more failed attempt, and what was done about it. */
function withAttempt(
  history: History,
  { envelope }: FailedDelivery,
  thrown: unknown,
  { action, delayMs }: { readonly action: "retry" | "dead_letter"; readonly delayMs: number },
): History {
  const at = new Date().toISOString();
  const { type, message } = failureInfo(thrown);
  const attempt = { at, type, message: message.slice(0, MAX_ATTEMPT_MESSAGE_LENGTH) };
  const done = { timestamp: at, action, backoff_seconds: delayMs / 1000, event_id: envelope?.event_id ?? "" };
  return {
    ...history,
    attempts: newest([...history.attempts, attempt]),
    failures: history.failures + 1,
    actions: newest([...history.actions, done]),
  };
}

function newest<T>(all: readonly T[]): readonly T[] {
  return all.slice(-MAX_KEPT);
}
