import type { FailureJournal } from "../dead-letter/failure-journal.ts";
import { Parking } from "../dead-letter/parking.ts";
import type { DataClass } from "../language/data-class.ts";
import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { HandlingMetrics } from "../measure/handling-metrics.ts";
import type { Metrics } from "../measure/metrics.ts";
import { inProcessSpan } from "../measure/tracing.ts";
import type { Deprecations } from "../publish/deprecations.ts";
import { handlerScope } from "../publish/handler-scope.ts";
import type { Signatures } from "../publish/signatures.ts";
import type { Responder } from "../request/request.ts";
import { type TimedRun, TimeLimit } from "../time/time-limit.ts";
import type {
  Delivery,
  IdempotencyStore,
  Logger,
  SchemaRegistry,
  Settlement,
  StartAt,
} from "../transport.ts";
import type { EventAddress, NodeAddress } from "../wire/subject.ts";
import type { ClassifyRule } from "./classify.ts";
import {
  type FailureEnding,
  FailureHandling,
  type FailureOutcome,
  type History,
  NO_HISTORY,
} from "./failure-handling.ts";
import { maskedError } from "./masked-error.ts";
import { effectKey, Once, StoreTrouble } from "./once.ts";
import { type OpenedDelivery, openDelivery, type ReadDelivery } from "./open-delivery.ts";
import type { RetryOptions, RetryPolicy } from "./retry-policy.ts";

export interface SubscriptionOptions {
  /** Remembers the position; two processes that name the same durable share its events. 1 to 63 of `a-z 0-9 -`. */
  readonly durable: string;
  /** Only events of this origin. @default any */
  readonly from?: { readonly subnet?: string; readonly node?: string };
  /** Where a new durable begins. @default "new" */
  readonly startAt?: StartAt;
  /** Handlers running at a time; 1 keeps strict order. 1 to 1000. @default 16 */
  readonly maxConcurrency?: number;
  /** Longest run of one handler; its signal is aborted then and the event is retried. 100 to 3600000. @default 30000 */
  readonly timeoutMs?: number;
  /** When a failed event is tried again, and how often. @default "p1": 3 retries after 2, 4, 8 s, ±20 % */
  readonly retry?: RetryOptions;
  /** Rules that say whether time can cure a failure, asked before the built-in ones. */
  readonly classify?: readonly ClassifyRule[];
  /**
   * Where it is remembered which events were handled, so that none is handled twice. `off` for a handler that may as
   * well run twice. A store of your own can join mark and effect in one transaction. @default the hub's store
   */
  readonly idempotency?: IdempotencyStore | "off";
  /**
   * Whether who requests a command is told what the handler returns, or that it failed for good. @default true where
   * the pattern names one event; a prefix or `*` only looks on
   */
  readonly answers?: boolean;
  /** Whether its events count as handled in the metrics; not for a log of what passes. @default true */
  readonly counted?: boolean;
}

/** What a handler may ask beside the event. */
export interface HandlerContext {
  /** The authenticated origin of the event, and its name and version. */
  readonly address: EventAddress;
  /** How the schema of the event classifies parts of its data; most often not at all. */
  readonly classes: readonly DataClass[];
  /** 1 for the first attempt. */
  readonly deliveryCount: number;
  readonly stream: string;
  readonly seq: number;
  /** Aborted when the handler's time is up. */
  readonly signal: AbortSignal;
  /** Names the effect; the same for every repetition of the event. To pass on to services that take such a key. */
  readonly idempotencyKey: string;
  /** Of an idempotency store that joins effect and mark; `undefined` with any other. */
  readonly transaction: unknown;
}

/**
 * Handles one event. A throw or rejection is classified: the event is tried again later, or becomes a dead letter. What
 * it returns answers the request of a command, and is ignored with anything else.
 */
export type OnEvent<TData> = (event: Envelope<TData>, context: HandlerContext) => unknown;

export interface ConsumerSettings {
  readonly address: NodeAddress;
  readonly tenant: string;
  /** Whether policy still allows the subscription; asked before each event. */
  readonly isAllowed: () => boolean;
  readonly durable: string;
  readonly maxConcurrency: number;
  readonly timeoutMs: number;
  readonly registry: SchemaRegistry;
  /** Not given: nothing is verified. */
  readonly signatures?: Signatures | undefined;
  readonly log: Logger;
  readonly retry: RetryPolicy;
  readonly rules: readonly ClassifyRule[];
  readonly journal: FailureJournal;
  readonly idempotency: IdempotencyStore | "off";
  /** Not given: requests are not answered. */
  readonly responder: Responder | undefined;
  /** Not given: nothing is counted. */
  readonly metrics: Metrics | undefined;
  /** Not given: nobody is told of deprecated events. */
  readonly deprecations?: Deprecations | undefined;
  /** Called when an event was parked whose schema has come meanwhile. */
  readonly onParked: () => void;
  readonly onSettled: (outcome: "handled" | "repeated" | "refused" | "parked" | FailureOutcome) => void;
}

/** Beyond the handler's own time; what the hub's store may take at its slowest, twice. */
const STORE_MS = 30_000;
/** Deliveries handed back at a stop come again after this time, to another process or this one's successor. */
const HANDED_BACK_MS = 200;

/** How a delivery ends; nothing where somebody else settles it. */
type Ending = Settlement | undefined;

const ACK: Settlement = { kind: "ack" };
/** What came before policy took the subscription away waits for policy to give it back. */
const FORBIDDEN: Settlement = { kind: "nak", delayMs: 5000 };

/** Takes deliveries in order, runs at most `maxConcurrency` handlers, and settles every delivery exactly once. */
export class Consumer {
  readonly #settings: ConsumerSettings;
  readonly #onEvent: OnEvent<unknown>;
  readonly #failures: FailureHandling;
  readonly #parking: Parking;
  readonly #once: Once | undefined;
  readonly #metrics: HandlingMetrics;
  readonly #limit: TimeLimit;
  readonly #waiting: Delivery[] = [];
  #running = 0;
  #stopped = false;

  constructor(settings: ConsumerSettings, onEvent: OnEvent<unknown>) {
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#failures = new FailureHandling(settings);
    const { idempotency, durable, metrics, timeoutMs } = settings;
    this.#metrics = new HandlingMetrics(metrics, durable);
    this.#parking = new Parking(settings, this.#failures, this.#metrics);
    this.#limit = new TimeLimit("handler", timeoutMs);
    this.#once = idempotency === "off" ? undefined : new Once(idempotency, durable, timeoutMs + STORE_MS);
  }

  take(delivery: Delivery): void {
    if (this.#stopped) return delivery.settle({ kind: "nak", delayMs: HANDED_BACK_MS });
    this.#waiting.push(delivery);
    this.#startNext();
  }

  /** Hands back what has not begun; what runs is left to finish. */
  handBack(): void {
    this.#stopped = true;
    for (const delivery of this.#waiting.splice(0)) delivery.settle({ kind: "nak", delayMs: HANDED_BACK_MS });
    this.#parking.handBack();
  }

  #startNext(): void {
    while (this.#running < this.#settings.maxConcurrency) {
      const delivery = this.#waiting.shift();
      if (delivery === undefined) return;
      this.#running++;
      this.#run(delivery);
    }
  }

  #run(delivery: Delivery): void {
    const ending = this.#process(delivery);
    if (!(ending instanceof Promise)) return this.#end(delivery, ending);
    void ending.then((ended) => {
      this.#end(delivery, ended);
      this.#startNext();
    });
  }

  #end(delivery: Delivery, ending: Ending): void {
    if (ending !== undefined) delivery.settle(ending);
    this.#running--;
  }

  /**
   * Runs one delivery to its end. Never rejects. A first delivery has no past, and must not wait a turn of the event
   * loop for it: order is by start, and what a handler ends at once shall cost no promise.
   */
  #process(delivery: Delivery): Ending | Promise<Ending> {
    if (!this.#settings.isAllowed()) return FORBIDDEN;
    const opened = openDelivery(delivery, this.#settings);
    const { refusal } = opened;
    this.#noteDeprecated(opened);
    if (delivery.deliveryCount > 1) return this.#processAgain(opened);
    if (refusal?.code === "unknown-event") return this.#park(opened, NO_HISTORY, refusal);
    return this.#attempt(opened, NO_HISTORY);
  }

  /** What only lacks its schema is kept beside the stream, so that nothing else waits for it. */
  #park(opened: OpenedDelivery, history: History, error: MeshError): undefined {
    this.#parking.take({ opened, history, error });
  }

  #noteDeprecated({ contract, envelope }: OpenedDelivery): void {
    if (contract?.deprecated === undefined || envelope === undefined) return;
    const { deprecations, durable } = this.#settings;
    deprecations?.note(contract, { reader: durable, writer: envelope.source });
  }

  /** What was delivered before may have failed before, or have ended its process. */
  async #processAgain(opened: OpenedDelivery): Promise<Ending> {
    const { delivery, envelope } = opened;
    let history = await this.#failures.historyOf(delivery, envelope?.event_id);
    if (history.trouble !== undefined) return this.#hold(delivery, history, history.trouble);
    if (history.verdict !== undefined) {
      const ending = await this.#failures.condemned(opened, history, history.verdict);
      return this.#failed(opened, history, ending, history.verdict.error);
    }
    if (opened.refusal?.code === "unknown-event") return this.#park(opened, history, opened.refusal);
    try {
      if (opened.refusal === undefined) history = await this.#begin(opened, history);
    } catch (thrown) {
      return this.#unhandled(opened, history, thrown);
    }
    return this.#attempt(opened, history);
  }

  /** One run of the handler, or the refusal to run it. */
  #attempt(opened: OpenedDelivery, history: History): Settlement | Promise<Settlement> {
    try {
      if (opened.refusal !== undefined) throw opened.refusal;
      const ran = this.#handleOnce(opened);
      if (!(ran instanceof Promise)) return this.#succeeded(opened, history, ran);
      return ran.then(
        (itRan) => this.#succeeded(opened, history, itRan),
        (thrown) => this.#unhandled(opened, history, thrown),
      );
    } catch (thrown) {
      return this.#unhandled(opened, history, thrown);
    }
  }

  #succeeded(opened: OpenedDelivery, history: History, ran: boolean): Settlement | Promise<Settlement> {
    if (opened.delivery.deliveryCount > 1) {
      return this.#failures.succeeded(opened, history).then(() => this.#done(opened, history, ran));
    }
    return this.#done(opened, history, ran);
  }

  #done({ envelope }: OpenedDelivery, history: History, ran: boolean): Settlement {
    this.#settings.onSettled(ran ? "handled" : "repeated");
    this.#metrics.succeeded(envelope, history, ran);
    return ACK;
  }

  async #unhandled(opened: OpenedDelivery, history: History, thrown: unknown): Promise<Settlement> {
    if (thrown instanceof StoreTrouble) return this.#hold(opened.delivery, history, thrown.cause);
    if (opened.refusal !== undefined) this.#settings.onSettled("refused");
    const told = maskedError(thrown, opened.classified, opened.envelope?.data);
    const ending = await this.#failures.failed(opened, history, thrown, told);
    return this.#failed(opened, history, ending, told);
  }

  /** Rejects with {@link StoreTrouble} when it cannot be written down that a run begins. */
  async #begin(opened: OpenedDelivery, history: History): Promise<History> {
    try {
      return await this.#failures.begin(opened, history);
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.code === "internal") throw thrown;
      throw new StoreTrouble("the journal failed", { cause: thrown });
    }
  }

  /** Puts a delivery off: nobody could tell whether it may be handled, or keep that it was. */
  #hold(delivery: Delivery, history: History, cause: unknown): Settlement {
    this.#settings.onSettled("held");
    this.#metrics.held();
    return this.#failures.held(delivery, history, cause);
  }

  /** Counts and tells of an attempt that failed. */
  async #failed(
    opened: OpenedDelivery,
    history: History,
    ending: FailureEnding,
    thrown: unknown,
  ): Promise<Settlement> {
    if (ending.outcome === "deadLettered") await this.#tellRequester(opened, ending.category, thrown);
    this.#settings.onSettled(ending.outcome);
    this.#metrics.failed(opened.envelope, history, ending, thrown);
    return ending.settlement;
  }

  async #tellRequester(opened: OpenedDelivery, category: string, why: unknown): Promise<void> {
    const { delivery, envelope, address } = opened;
    if (envelope === undefined || address === undefined) return;
    await this.#settings.responder?.fail({ delivery, envelope, address }, category, why);
  }

  /** Tells whether the handler ran: its effect may have happened before. */
  #handleOnce(delivered: OpenedDelivery): boolean | Promise<boolean> {
    const { delivery, envelope, address, classified } = delivered;
    if (envelope === undefined || address === undefined) return false;
    const opened = { delivery, envelope, address, classified };
    if (this.#once !== undefined) {
      return this.#once.run(effectKey(envelope, address), (transaction) => this.#handle(opened, transaction));
    }
    const handled = this.#handle(opened, undefined);
    return handled instanceof Promise ? handled.then(() => true) : true;
  }

  #handle({ delivery, envelope, address, classified }: ReadDelivery, transaction: unknown): unknown {
    const { durable, responder } = this.#settings;
    const scope = { correlationId: envelope.correlation_id, eventId: envelope.event_id };
    const consumed = { envelope, message: delivery.message, classified };
    return this.#metrics.timed(() =>
      inProcessSpan(consumed, durable, () => {
        const returned = this.#limit.run((run) =>
          handlerScope.run(scope, () =>
            this.#onEvent(
              envelope,
              new Context({ delivery, envelope, address, classified }, transaction, run),
            ),
          ),
        );
        // Only a command may wait for an answer.
        if (responder === undefined || envelope.kind !== "command") return returned;
        return Promise.resolve(returned).then((value) =>
          responder.answer({ delivery, envelope, address }, value),
        );
      }),
    );
  }
}

/** What a handler seldom asks for is made when it does. */
class Context implements HandlerContext {
  readonly address: EventAddress;
  readonly classes: readonly DataClass[];
  readonly deliveryCount: number;
  readonly stream: string;
  readonly seq: number;
  readonly transaction: unknown;
  readonly #envelope: Envelope;
  readonly #run: TimedRun;

  constructor(
    { delivery, envelope, address, classified }: ReadDelivery,
    transaction: unknown,
    run: TimedRun,
  ) {
    this.address = address;
    this.classes = classified?.classes ?? [];
    this.deliveryCount = delivery.deliveryCount;
    this.stream = delivery.stream;
    this.seq = delivery.seq;
    this.transaction = transaction;
    this.#envelope = envelope;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get idempotencyKey(): string {
    return effectKey(this.#envelope, this.address);
  }
}
