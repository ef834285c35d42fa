import { backoffMs } from "./backoff.ts";
import { decodeEnvelope, type Envelope } from "./envelope.ts";
import { MeshError } from "./errors.ts";
import { handlerScope } from "./handler-scope.ts";
import type { Delivery, Logger, SchemaRegistry, Settlement, StartAt } from "./ports.ts";
import { assertContract, spanSubject } from "./publish.ts";
import { type EventAddress, parseSubject } from "./subject.ts";
import { inProcessSpan } from "./tracing.ts";

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
}

/** Handles one event. A throw or rejection retries the event later. */
export type OnEvent<TData> = (event: Envelope<TData>, context: HandlerContext) => unknown;

export interface ConsumerSettings {
  readonly durable: string;
  readonly maxConcurrency: number;
  readonly timeoutMs: number;
  readonly registry: SchemaRegistry;
  readonly log: Logger;
  readonly onSettled: (outcome: "handled" | "failed" | "refused") => void;
}

/** An event waits this long for its schema to arrive before it is tried again. */
const UNKNOWN_EVENT_RETRY_MS = 60_000;
/** Deliveries handed back at a stop come again after this time, to another process or this one's successor. */
const HANDED_BACK_MS = 200;

/** Takes deliveries in order, runs at most `maxConcurrency` handlers, and settles every delivery exactly once. */
export class Consumer {
  readonly #settings: ConsumerSettings;
  readonly #onEvent: OnEvent<unknown>;
  readonly #waiting: Delivery[] = [];
  #running = 0;
  #stopped = false;

  constructor(settings: ConsumerSettings, onEvent: OnEvent<unknown>) {
    this.#settings = settings;
    this.#onEvent = onEvent;
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
    let settlement: Settlement = { kind: "ack" };
    try {
      const opened = openDelivery(delivery, this.#settings.registry);
      await this.#handle(delivery, opened);
      this.#settings.onSettled("handled");
    } catch (thrown) {
      settlement = this.#settleFailure(delivery, thrown);
    }
    delivery.settle(settlement);
    this.#running--;
    this.#startNext();
  }

  #handle(delivery: Delivery, { envelope, address }: OpenedDelivery): Promise<void> {
    const about = spanSubject({ envelope, message: delivery.message });
    const { durable, timeoutMs } = this.#settings;
    const scope = { correlationId: envelope.correlation_id, eventId: envelope.event_id };
    return inProcessSpan(about, durable, delivery.message.headers, () =>
      withTimeout(timeoutMs, (signal) => {
        const { deliveryCount, stream, seq } = delivery;
        return handlerScope.run(scope, () =>
          this.#onEvent(envelope, { address, deliveryCount, stream, seq, signal }),
        );
      }),
    );
  }

  #settleFailure(delivery: Delivery, thrown: unknown): Settlement {
    const { durable, log, onSettled } = this.#settings;
    const { deliveryCount, seq } = delivery;
    const fields = { durable, subject: delivery.message.subject, seq, deliveryCount, err: thrown };
    if (thrown instanceof RefusedDelivery) {
      onSettled("refused");
      if (thrown.reason.code === "unknown-event") {
        log.warn(
          { ...fields, err: thrown.reason, delayMs: UNKNOWN_EVENT_RETRY_MS },
          "delivery of an unknown event",
        );
        return { kind: "nak", delayMs: UNKNOWN_EVENT_RETRY_MS };
      }
      // No repetition can make it valid. The stream still holds it.
      log.error({ ...fields, err: thrown.reason }, "delivery refused");
      return { kind: "term", reason: thrown.reason.message };
    }
    onSettled("failed");
    const delayMs = backoffMs(deliveryCount, Math.random());
    log.warn({ ...fields, delayMs }, "delivery failed");
    return { kind: "nak", delayMs };
  }
}

interface OpenedDelivery {
  readonly envelope: Envelope;
  readonly address: EventAddress;
}

/** A delivery whose content breaks its contract, as against a handler that failed. */
class RefusedDelivery extends Error {
  readonly reason: MeshError;
  constructor(reason: MeshError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** Parses and checks a delivery as if nobody had done so before: servers store whatever they are sent. */
function openDelivery(delivery: Delivery, registry: SchemaRegistry): OpenedDelivery {
  try {
    const { message } = delivery;
    const address = parseSubject(message.subject);
    const envelope = decodeEnvelope(message.body);
    assertOrigin(envelope, address);
    assertContract(registry.resolve(address.name, address.version), envelope);
    return { envelope, address };
  } catch (thrown) {
    throw new RefusedDelivery(MeshError.from(thrown, "internal", "delivery could not be opened"));
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

/** Runs a handler with a deadline. A handler that answers at once costs no timer. */
async function withTimeout(timeoutMs: number, handle: (signal: AbortSignal) => unknown): Promise<void> {
  const abort = new AbortController();
  const returned = handle(abort.signal);
  if (!isThenable(returned)) return;
  const answer = Promise.resolve(returned);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const timeout = new MeshError("timeout", `handler ran longer than ${timeoutMs} ms`);
      abort.abort(timeout);
      reject(timeout);
    }, timeoutMs);
  });
  try {
    // The race also takes note of a rejection that comes after the deadline, so it is never an unhandled one.
    await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
