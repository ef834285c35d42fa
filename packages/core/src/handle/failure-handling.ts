import { type Attempt, attemptOf, newDeadLetter } from "../dead-letter/dead-letter.ts";
import type { FailureJournal } from "../dead-letter/failure-journal.ts";
import { alertGivenUp } from "../dead-letter/given-up-alert.ts";
import {
  failuresOf,
  finalStatus,
  newRecord,
  type ProcessingRecord,
  type RecoveryAction,
  recoveryAction,
} from "../dead-letter/processing-record.ts";
import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { deadLetterSpan } from "../measure/tracing.ts";
import type { Delivery, Logger, Settlement } from "../transport.ts";
import type { EventAddress, NodeAddress } from "../wire/subject.ts";
import type { Classification, ClassifyRule, FailureCategory } from "./classify.ts";
import { CureTimes, failingMs, kindOfFailure } from "./cure-times.ts";
import type { RetryPolicy } from "./retry-policy.ts";
import { type FailureDecision, settleFailure } from "./settle-failure.ts";

/** The outcome of a failed attempt; `failed`: an event that is stored nowhere has no other outcome. */
export type FailureOutcome = "retried" | "deadLettered" | "held" | "failed";

/** How to settle a failed attempt, its outcome, and its category. */
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

/** The history of one event, from this process or from the journal. */
export interface History {
  readonly attempts: readonly Attempt[];
  /** Failed attempts so far; more than `attempts` holds when another process made some of them, or they were many. */
  readonly failures: number;
  /** Deliveries that were delayed here for reasons other than the handler. */
  readonly holds: number;
  /** Runs of the handler that began, of which none is known to have ended. */
  readonly starts: number;
  readonly actions: readonly RecoveryAction[];
  /** The kind of the last failure. */
  readonly kind?: string;
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

/** The history of a first delivery. */
export const NO_HISTORY: History = { attempts: [], failures: 0, holds: 0, starts: 0, actions: [] };
/** Events whose failures are remembered here; the journal has older ones. */
const MAX_REMEMBERED = 10_000;
/** Deliveries beyond the failed ones after which the beginning of a run is written down too. */
const UNWATCHED_DELIVERIES = 5;
/** Runs that may begin and never end before the handler is taken to end its process. */
const MAX_STARTS = 3;
/** The newest attempts and actions that are kept of each event: a dead letter must fit into a message. */
const MAX_KEPT = 50;
/** An event whose dead letter or mark cannot be written is tried again after this. */
const HOLD_MS = 5000;

/** Ends failed deliveries: decides, writes down, and says how to settle. */
export class FailureHandling {
  readonly #settings: FailureSettings;
  readonly #histories = new Map<number, History>();
  /** The experience of an adaptive policy. */
  readonly #cures: CureTimes | undefined;

  constructor(settings: FailureSettings) {
    this.#settings = settings;
    this.#cures = settings.retry.strategy === "adaptive" ? new CureTimes() : undefined;
  }

  /**
   * The history of an event before this delivery. Where not all of it happened here, it asks the journal, so that no
   * attempt of another process is forgotten: an earlier one, or one that shares the durable. Never rejects: where the
   * journal does not answer, `trouble` says why.
   */
  async historyOf(delivery: Delivery, eventId: string | undefined): Promise<History> {
    if (delivery.deliveryCount <= 1) return NO_HISTORY;
    const here = this.#histories.get(delivery.seq) ?? NO_HISTORY;
    if (here.verdict !== undefined) return here;
    if (here.failures + here.holds >= delivery.deliveryCount - 1) return here;
    // A message that is not an envelope has no records.
    if (eventId === undefined) return here;
    const { journal, durable } = this.#settings;
    try {
      const record = await journal.lastRecord(durable, { event_id: eventId, seq: delivery.seq });
      // A record of another delivery of the same id (a replay) does not count for this one.
      if (record === undefined || record.seq !== delivery.seq) return here;
      const verdict = verdictOf(record);
      if (verdict !== undefined) return { ...here, ...verdict };
      const failures = failuresOf(record);
      if (failures < here.failures) return here;
      const { retry_info: { starts = 0 } = {}, recovery_actions: actions, attempts = here.attempts } = record;
      return { ...here, failures, starts, actions, attempts, ...kindIn(record) };
    } catch (trouble) {
      return { ...here, trouble };
    }
  }

  /**
   * Whether an event comes so often that its handler may have ended its process. The beginning of a run is then
   * recorded, since such a run leaves no other trace. Deliveries that failed or were delayed here do not count.
   */
  isSuspect({ deliveryCount }: Delivery, { failures, holds }: History): boolean {
    return deliveryCount - failures - holds > UNWATCHED_DELIVERIES;
  }

  /**
   * Called right before a handler runs, and only then. It records the beginning of a suspect run. Resolves with the
   * history from then on. Rejects with `internal` when so many runs have begun without an end that the next is not to
   * be tried. It also rejects as the journal does.
   */
  async begin(failed: FailedDelivery, history: History): Promise<History> {
    if (!this.isSuspect(failed.delivery, history) || failed.envelope === undefined) return history;
    if (history.starts >= MAX_STARTS) {
      throw new MeshError(
        "internal",
        `its handling began ${history.starts} times and never ended; the handler may end its process`,
      );
    }
    const begun = { ...history, starts: history.starts + 1 };
    await this.#settings.journal.record(this.#newRecord(failed, begun, { status: "pending" }));
    return begun;
  }

  /**
   * Called when a run has ended well and that cannot be marked: it is none of those that never ended. Never rejects.
   */
  async ended(failed: FailedDelivery, history: History): Promise<History> {
    if (history.starts === 0) return history;
    const ended = { ...history, starts: 0 };
    await this.#record(failed, ended, { status: "pending" });
    return ended;
  }

  /** Records that an event succeeded after failures; a plain success is only counted. */
  async succeeded(failed: FailedDelivery, history: History): Promise<void> {
    this.#histories.delete(failed.delivery.seq);
    if (history.failures + history.starts === 0) return;
    if (history.kind !== undefined) this.#cures?.passed(history.kind, history, Date.now());
    await this.#record(failed, history, { status: "success" });
  }

  /** Puts a delivery off that could not be tried, or whose success could not be written down: no attempt is counted. */
  held(delivery: Delivery, history: History, cause: unknown): Settlement {
    const { log, durable } = this.#settings;
    const { message, seq } = delivery;
    log.warn({ durable, subject: message.subject, seq, err: cause, delayMs: HOLD_MS }, "delivery put off");
    return this.putOff(delivery, history, HOLD_MS);
  }

  /**
   * Decides about a failed attempt and writes it down. Never rejects.
   * @param thrown The error that decides; `told` is the form of it that is kept, and that goes into logs.
   */
  async failed(
    failed: FailedDelivery,
    history: History,
    thrown: unknown,
    told: unknown = thrown,
  ): Promise<FailureEnding> {
    const { retry, rules, log, durable } = this.#settings;
    const { delivery } = failed;
    const attempt = history.failures + 1;
    const nowMs = Date.now();
    const cures = this.#cures;
    const experience = cures && { cures, told, failedMs: failingMs(history, nowMs), nowMs };
    const decision = settleFailure(thrown, attempt, retry, rules, Math.random(), experience);
    const now = withAttempt(history, failed, told, decision, retry);
    const fields = { durable, subject: delivery.message.subject, seq: delivery.seq, attempt, err: told };
    if (decision.kind === "retry") {
      log.warn({ ...fields, delayMs: decision.delayMs }, "delivery failed");
      this.#remember(delivery.seq, now);
      await this.#record(failed, now, { status: "retrying", failed: { thrown: told, decision } });
      const settlement = { kind: "nak", delayMs: decision.delayMs } as const;
      return { settlement, outcome: "retried", category: decision.classification.category };
    }
    const { classification } = decision;
    log.error({ ...fields, category: classification.category }, "delivery failed for good");
    this.#alert(failed, classification.category, attempt, told);
    if (classification.category !== "permanent")
      cures?.lasted(kindOfFailure(told, classification), now, nowMs);
    const verdict: Verdict = { classification, error: told };
    return this.condemned(failed, { ...now, verdict }, verdict);
  }

  /**
   * Ends a delivery about which it was decided: no handler gets it any more. First it records the verdict, so that no
   * process that gets the event after a crash handles a possible dead letter. Then it stores the dead letter, and then
   * it ends the delivery. A failed write is tried again later, from the beginning. Never rejects.
   */
  async condemned(failed: FailedDelivery, history: History, verdict: Verdict): Promise<FailureEnding> {
    const { address, durable, journal, log } = this.#settings;
    const { delivery, envelope } = failed;
    const { category } = verdict.classification;
    const { attempts } = history;
    const handler = { ...address, durable };
    const entry = newDeadLetter({ ...failed, handler, ...verdict, attempts, nowMs: Date.now() });
    try {
      const status = finalStatus(verdict.classification);
      const decision = { kind: "dead-letter", ...verdict } as const;
      const state = { status, failed: { thrown: verdict.error, decision } } as const;
      if (envelope !== undefined) await journal.record(this.#newRecord(failed, history, state));
      await journal.storeDeadLetter(entry);
      if (envelope !== undefined)
        deadLetterSpan({ envelope, message: delivery.message }, durable, verdict.error);
    } catch (err) {
      log.error({ durable, seq: delivery.seq, err }, "dead letter not stored");
      this.#remember(delivery.seq, { ...history, verdict });
      return { settlement: { kind: "nak", delayMs: HOLD_MS }, outcome: "held", category };
    }
    this.#histories.delete(delivery.seq);
    return {
      settlement: { kind: "term", reason: entry.error.message },
      outcome: "deadLettered",
      category,
    };
  }

  /** Puts a delivery off that was not tried, and counts no attempt. */
  putOff({ seq }: Delivery, { trouble: _, ...history }: History, delayMs: number): Settlement {
    this.#remember(seq, { ...history, holds: history.holds + 1 });
    return { kind: "nak", delayMs };
  }

  /** Called when a delivery has ended elsewhere. */
  forget({ seq }: Delivery): void {
    this.#histories.delete(seq);
  }

  #alert({ address, envelope }: FailedDelivery, category: string, attempts: number, told: unknown): void {
    const { durable, address: own, retry } = this.#settings;
    const component = `${own.subnet}/${own.node}`;
    // Without an envelope, the event's name is known from the subject alone.
    const { event_id = "", event_name: event_type = address?.name ?? "" } = envelope ?? {};
    alertGivenUp(
      this.#settings,
      retry,
      { component, durable, event_id, event_type, category, attempts },
      told,
    );
  }

  #remember(seq: number, history: History): void {
    this.#histories.set(seq, history);
    if (this.#histories.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#histories.keys()) {
      this.#histories.delete(oldest);
      return;
    }
  }

  /** A record serves later reports; handling goes on without it. */
  async #record(failed: FailedDelivery, history: History, state: RecordState): Promise<void> {
    const { durable, journal, log } = this.#settings;
    if (failed.envelope === undefined) return;
    try {
      await journal.record(this.#newRecord(failed, history, state));
    } catch (err) {
      log.warn({ durable, seq: failed.delivery.seq, err }, "processing record not stored");
    }
  }

  #newRecord({ delivery, envelope }: FailedDelivery, history: History, state: RecordState): ProcessingRecord {
    if (envelope === undefined) throw new MeshError("internal", "no record of what is no envelope");
    const { address, durable, retry } = this.#settings;
    const { event_id, event_name: event_type, source } = envelope;
    const { stream, seq } = delivery;
    const { failures, starts, actions, attempts } = history;
    return newRecord({
      of: { event_id, event_type, source, stream, seq },
      handler: { ...address, durable },
      ...state,
      failures,
      maxRetries: retry.maxRetries,
      ...(state.status === "pending" ? { starts } : {}),
      actions,
      attempts,
    });
  }
}

interface RecordState {
  readonly status: "pending" | "success" | "retrying" | "failed" | "dead_letter";
  readonly failed?: { readonly thrown: unknown; readonly decision: FailureDecision };
}

/** The verdict of an earlier process. */
function verdictOf(record: ProcessingRecord): Partial<History> | undefined {
  const { status, timestamp: at, error_info: info, recovery_actions: actions } = record;
  if ((status !== "failed" && status !== "dead_letter") || info === undefined) return undefined;
  const { category, context, message, type, stacktrace: stack } = info;
  const error = Object.assign(new Error(message), { name: type, stack });
  const { attempts = [attemptOf(error, Date.parse(at))] } = record;
  return {
    attempts,
    failures: failuresOf(record),
    actions,
    verdict: { classification: { category, rule: context["rule"] ?? "none" }, error },
  };
}

function kindIn({ error_info: info }: ProcessingRecord): Pick<History, "kind"> {
  return info === undefined ? {} : { kind: `${info.type} (${info.context["rule"] ?? "none"})` };
}

/** The history with one more failed attempt, and what was done about it. */
function withAttempt(
  history: History,
  { envelope }: FailedDelivery,
  thrown: unknown,
  decision: FailureDecision,
  retry: RetryPolicy,
): History {
  const attempt = attemptOf(thrown, Date.now());
  const of = { timestamp: attempt.at, event_id: envelope?.event_id ?? "" };
  return {
    ...history,
    // This one has ended.
    starts: 0,
    attempts: newest([...history.attempts, attempt]),
    failures: history.failures + 1,
    kind: kindOfFailure(thrown, decision.classification),
    actions: newest([...history.actions, recoveryAction(decision, retry, of)]),
  };
}

function newest<T>(all: readonly T[]): readonly T[] {
  return all.slice(-MAX_KEPT);
}
