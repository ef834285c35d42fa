import type { ClassifyRule } from "./classify.ts";
import { decodeEnvelope, type Envelope } from "./envelope.ts";
import { MeshError } from "./errors.ts";
import {
  type FailedDelivery,
  type FailureEnding,
  FailureHandling,
  type FailureOutcome,
  type History,
  NO_HISTORY,
} from "./failure-handling.ts";
import { handlerScope } from "./handler-scope.ts";
import { HandlingMetrics } from "./handling-metrics.ts";
import type { Metrics } from "./metrics.ts";
import { effectKey, Once, StoreTrouble } from "./once.ts";
import type {
  Delivery,
  FailureJournal,
  IdempotencyStore,
  Logger,
  SchemaRegistry,
  Settlement,
  StartAt,
} from "./ports.ts";
import { assertContract, spanSubject } from "./publish.ts";
import type { Responder } from "./request.ts";
import type { RetryOptions, RetryPolicy } from "./retry-policy.ts";
import { type EventAddress, type NodeAddress, parseDeliverySubject } from "./subject.ts";
import { inProcessSpan } from "./tracing.ts";
import { withTimeout } from "./with-timeout.ts";

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
   * Where it is remembered which events were handled, so that none is handled twice. `off` for a handler that may as well
   * run twice. A store of your own can join mark and effect in one transaction. @default the hub's store
   */
  readonly idempotency?: IdempotencyStore | "off";
  /**
   * Whether who requests a command is told what the handler returns, or that it failed for good. @default true where the
   * pattern names one event; a prefix or `*` only looks on
   */
  readonly answers?: boolean;
}

/** What a handler may ask beside the event. */
export interface HandlerContext {
  /** The authenticated origin of the event, and its name and version. */
  readonly address: EventAddress;
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
 * Handles one event. A throw or rejection is classified: the event is tried again later, or becomes a dead letter. What it
 * returns answers the request of a command, and is ignored with anything else.
 */
export type OnEvent<TData> = (event: Envelope<TData>, context: HandlerContext) => unknown;

export interface ConsumerSettings {
  readonly address: NodeAddress;
  readonly durable: string;
  readonly maxConcurrency: number;
  readonly timeoutMs: number;
  readonly registry: SchemaRegistry;
  readonly log: Logger;
  readonly retry: RetryPolicy;
  readonly rules: readonly ClassifyRule[];
  readonly journal: FailureJournal;
  readonly idempotency: IdempotencyStore | "off";
  /** Not given: requests are not answered. */
  readonly responder: Responder | undefined;
  /** Not given: nothing is counted. */
  readonly metrics: Metrics | undefined;
  readonly onSettled: (outcome: "handled" | "repeated" | "refused" | FailureOutcome) => void;
}

/** An event waits this long for its schema to arrive before it is tried again. */
const UNKNOWN_EVENT_RETRY_MS = 60_000;
/** Beyond the handler's own time; what the hub's store may take at its slowest, twice. */
const STORE_MS = 30_000;
/** Deliveries handed back at a stop come again after this time, to another process or this one's successor. */
const HANDED_BACK_MS = 200;

/** Takes deliveries in order, runs at most `maxConcurrency` handlers, and settles every delivery exactly once. */
export class Consumer {
  readonly #settings: ConsumerSettings;
  readonly #onEvent: OnEvent<unknown>;
  readonly #failures: FailureHandling;
  readonly #once: Once | undefined;
  readonly #metrics: HandlingMetrics;
  readonly #waiting: Delivery[] = [];
  #running = 0;
  #stopped = false;

  constructor(settings: ConsumerSettings, onEvent: OnEvent<unknown>) {
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#failures = new FailureHandling(settings);
    const { idempotency, durable, metrics, timeoutMs } = settings;
    this.#metrics = new HandlingMetrics(metrics, durable);
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
  }

  #startNext(): void {
    while (this.#running < this.#settings.maxConcurrency) {
      const delivery = this.#waiting.shift();
      if (delivery === undefined) return;
      this.#running++;
      void this.#run(delivery);
    }
  }

  async #run(delivery: Delivery): Promise<void> {
    delivery.settle(await this.#process(delivery));
    this.#running--;
    this.#startNext();
  }

  /** Runs one delivery to its end. Never rejects. */
  async #process(delivery: Delivery): Promise<Settlement> {
    const { registry, log, durable, onSettled } = this.#settings;
    const opened = openDelivery(delivery, registry);
    const eventId = opened.envelope?.event_id;
    if (opened.refusal?.code === "unknown-event") {
      onSettled("refused");
      const { subject } = delivery.message;
      const fields = {
        durable,
        subject,
        seq: delivery.seq,
        err: opened.refusal,
        delayMs: UNKNOWN_EVENT_RETRY_MS,
      };
      log.warn(fields, "delivery of an unknown event");
      return { kind: "nak", delayMs: UNKNOWN_EVENT_RETRY_MS };
    }
    // A first delivery has no past: it must not wait a turn of the event loop for it, since order is by start.
    const isFirst = delivery.deliveryCount <= 1;
    let history = isFirst ? NO_HISTORY : await this.#failures.historyOf(delivery, eventId);
    if (history.trouble !== undefined) return this.#hold(delivery, history, history.trouble);
    if (history.verdict !== undefined) {
      const ending = await this.#failures.condemned(opened, history, history.verdict);
      return this.#failed(opened, history, ending, history.verdict.error);
    }
    let ran = true;
    try {
      if (opened.refusal !== undefined) throw opened.refusal;
      if (!isFirst) history = await this.#begin(opened, history);
      ran = await this.#handleOnce(delivery, opened);
    } catch (thrown) {
      if (thrown instanceof StoreTrouble) return this.#hold(delivery, history, thrown.cause);
      if (opened.refusal !== undefined) onSettled("refused");
      const ending = await this.#failures.failed(opened, history, thrown);
      return this.#failed(opened, history, ending, thrown);
    }
    if (!isFirst) await this.#failures.succeeded(opened, history);
    onSettled(ran ? "handled" : "repeated");
    this.#metrics.succeeded(opened.envelope, history, ran);
    return { kind: "ack" };
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

  async #tellRequester({ envelope, address }: OpenedDelivery, category: string, why: unknown): Promise<void> {
    if (envelope === undefined || address === undefined) return;
    await this.#settings.responder?.fail(envelope, address, category, why);
  }

  /** Resolves with whether the handler ran: its effect may have happened before. */
  async #handleOnce(delivery: Delivery, { envelope, address }: OpenedDelivery): Promise<boolean> {
    if (envelope === undefined || address === undefined) return false;
    const key = effectKey(envelope, address);
    const handle = (transaction: unknown): Promise<void> =>
      this.#metrics.timed(() =>
        this.#handle(delivery, envelope, { address, idempotencyKey: key, transaction }),
      );
    if (this.#once !== undefined) return this.#once.run(key, handle);
    await handle(undefined);
    return true;
  }

  async #handle(
    delivery: Delivery,
    envelope: Envelope,
    about: Pick<HandlerContext, "address" | "idempotencyKey" | "transaction">,
  ): Promise<void> {
    const subject = spanSubject({ envelope, message: delivery.message });
    const { durable, timeoutMs, responder } = this.#settings;
    const scope = { correlationId: envelope.correlation_id, eventId: envelope.event_id };
    await inProcessSpan(subject, durable, delivery.message.headers, async () => {
      const value = await withTimeout("handler", timeoutMs, (signal) => {
        const { deliveryCount, stream, seq } = delivery;
        return handlerScope.run(scope, () =>
          this.#onEvent(envelope, { ...about, deliveryCount, stream, seq, signal }),
        );
      });
      await responder?.answer(envelope, about.address, value);
    });
  }
}

/** A delivery as far as it could be read, and what is wrong with it. */
interface OpenedDelivery extends FailedDelivery {
  readonly refusal: MeshError | undefined;
}

/** Parses and checks a delivery as if nobody had done so before: servers store whatever they are sent. */
function openDelivery(delivery: Delivery, registry: SchemaRegistry): OpenedDelivery {
  let address: EventAddress | undefined;
  let envelope: Envelope | undefined;
  try {
    address = parseDeliverySubject(delivery.message.subject);
    envelope = decodeEnvelope(delivery.message.body);
    assertOrigin(envelope, address);
    assertContract(registry.resolve(address.name, address.version), envelope);
    return { delivery, address, envelope, refusal: undefined };
  } catch (thrown) {
    return {
      delivery,
      address,
      envelope,
      refusal: MeshError.from(thrown, "invalid-event", "delivery cannot be opened"),
    };
  }
}

/** Throws `invalid-event` when an envelope claims another event or node than its authenticated subject. */
export function assertOrigin(envelope: Envelope, address: EventAddress): void {
  if (envelope.event_name !== address.name || envelope.version !== address.version) {
    throw new MeshError(
      "invalid-event",
      `envelope says ${envelope.event_name}@${envelope.version}, its subject ${address.name}@${address.version}`,
    );
  }
  if (!envelope.source.endsWith(`@${address.node}`)) {
    throw new MeshError(
      "invalid-event",
      `envelope source ${envelope.source} is not of the node ${address.node}`,
    );
  }
}
