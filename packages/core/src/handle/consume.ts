import type { FailureJournal } from "../dead-letter/failure-journal.ts";
import { Parking } from "../dead-letter/parking.ts";
import type { Envelope } from "../language/envelope.ts";
import { MeshError } from "../language/errors.ts";
import { HandlingMetrics } from "../measure/handling-metrics.ts";
import type { Metrics } from "../measure/metrics.ts";
import { inProcessSpan } from "../measure/tracing.ts";
import type { Deprecations } from "../publish/deprecations.ts";
import { handlerScope } from "../publish/handler-scope.ts";
import type { Signatures } from "../publish/signatures.ts";
import type { Responder } from "../request/responder.ts";
import { TimeLimit } from "../time/time-limit.ts";
import type {
  Delivery,
  IdempotencyStore,
  Logger,
  MarksPlace,
  SchemaRegistry,
  Settlement,
  StartAt,
} from "../transport.ts";
import type { NodeAddress } from "../wire/subject.ts";
import { AskedCommands } from "./asked-command.ts";
import type { ClassifyRule } from "./classify.ts";
import {
  type FailureEnding,
  FailureHandling,
  type FailureOutcome,
  type History,
  NO_HISTORY,
} from "./failure-handling.ts";
import { Context, type HandlerContext } from "./handler-context.ts";
import { maskedError } from "./masked-error.ts";
import { effectKey, type Once, StoreTrouble } from "./once.ts";
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
   * Where it is remembered which events were handled, so that none is handled twice: on the disk of the member, or in a
   * stream of its hub. `off` for a handler that may as well run twice. A store of your own can join mark and effect in
   * one transaction. @default as the mesh file says
   */
  readonly idempotency?: IdempotencyStore | MarksPlace | "off";
  /**
   * Whether the requester of a command gets the handler's result, or the news that it failed for good. @default true
   * where the pattern names one event; a prefix or `*` only looks on
   */
  readonly answers?: boolean;
  /** Whether its events count as handled in the metrics; not for a log of passing events. @default true */
  readonly counted?: boolean;
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
  /** `off`: a handler may run twice. */
  readonly once: Once | "off";
  /** Not given: requests are not answered. */
  readonly responder: Responder | undefined;
  /** Not given: nothing is counted. */
  readonly metrics: Metrics | undefined;
  /** Not given: deprecated events are not reported. */
  readonly deprecations?: Deprecations | undefined;
  /** Called when an event was parked whose schema has come meanwhile. */
  readonly onParked: () => void;
  readonly onSettled: (outcome: "handled" | "repeated" | "refused" | "parked" | FailureOutcome) => void;
}

/** Commands that are stored nowhere and wait for a place; more are turned away. */
const MAX_ASKED_WAITING = 1000;
/**
 * The stream redelivers deliveries handed back at a stop after this time, to another process or to this one's
 * successor.
 */
const HANDED_BACK_MS = 200;

/** How a delivery ends; undefined when another part settles it. */
type Ending = Settlement | undefined;

const ACK: Settlement = { kind: "ack" };
/** Redelivers an event that came before policy took the subscription away, until policy gives it back. */
const FORBIDDEN: Settlement = { kind: "nak", delayMs: 5000 };

/** One delivery on its way to its end. */
interface Turn {
  readonly opened: OpenedDelivery;
  history: History;
  /** Its handler has ended well: what may still fail is to write that down. */
  isDone: boolean;
  /** Gives its place to the next; called again it does nothing. */
  free(): void;
}

/**
 * Takes deliveries in order, runs at most `maxConcurrency` handlers, and settles every delivery exactly once. A handler
 * that has ended makes room for the next: its mark and its settlement follow, as far behind as deliveries may be
 * unsettled. With one handler at a time no handler begins before the mark of the previous event is on disk.
 */
export class Consumer {
  readonly #settings: ConsumerSettings;
  readonly #onEvent: OnEvent<unknown>;
  readonly #failures: FailureHandling;
  readonly #parking: Parking;
  readonly #once: Once | undefined;
  readonly #metrics: HandlingMetrics;
  readonly #limit: TimeLimit;
  readonly #asked: AskedCommands;
  readonly #waiting: Delivery[] = [];
  #running = 0;
  #isStarting = false;
  #stopped = false;

  constructor(settings: ConsumerSettings, onEvent: OnEvent<unknown>) {
    this.#settings = settings;
    this.#onEvent = onEvent;
    this.#failures = new FailureHandling(settings);
    const { durable, metrics, timeoutMs } = settings;
    this.#metrics = new HandlingMetrics(metrics, durable);
    this.#parking = new Parking(settings, this.#failures, this.#metrics);
    this.#limit = new TimeLimit("handler", timeoutMs);
    this.#once = settings.once === "off" ? undefined : settings.once;
    this.#asked = new AskedCommands(settings, this.#metrics);
  }

  take(delivery: Delivery): void {
    if (this.#stopped) return this.#return(delivery);
    const isTooMany = delivery.answer !== undefined && this.#waiting.length >= MAX_ASKED_WAITING;
    if (isTooMany) return this.#turnAway(delivery, `${MAX_ASKED_WAITING} commands wait for it already`);
    this.#waiting.push(delivery);
    this.#startNext();
  }

  /** Hands back what has not begun; what runs is left to finish. */
  handBack(): void {
    this.#stopped = true;
    for (const delivery of this.#waiting.splice(0)) this.#return(delivery);
    this.#parking.handBack();
  }

  #return(delivery: Delivery): void {
    if (delivery.answer !== undefined) return this.#turnAway(delivery, "it has stopped listening");
    delivery.settle({ kind: "nak", delayMs: HANDED_BACK_MS });
  }

  #turnAway(delivery: Delivery, why: string): void {
    void this.#asked.turnAway(openDelivery(delivery, this.#settings), why);
  }

  #startNext(): void {
    // A delivery that ends at once frees its place within this loop, which must not recurse ever deeper.
    if (this.#isStarting) return;
    this.#isStarting = true;
    while (this.#running < this.#settings.maxConcurrency) {
      const delivery = this.#waiting.shift();
      if (delivery === undefined) break;
      this.#running++;
      this.#run(delivery);
    }
    this.#isStarting = false;
  }

  #run(delivery: Delivery): void {
    let hasPlace = true;
    const free = (): void => {
      if (!hasPlace) return;
      hasPlace = false;
      this.#running--;
      this.#startNext();
    };
    const ending = this.#process(delivery, free);
    if (ending instanceof Promise) void ending.then((ended) => this.#end(delivery, ended, free));
    else this.#end(delivery, ending, free);
  }

  #end(delivery: Delivery, ending: Ending, free: () => void): void {
    if (ending !== undefined) delivery.settle(ending);
    free();
  }

  /**
   * Runs one delivery to its end. Never rejects. A first delivery has no past, and must not wait a turn of the event
   * loop for it: order is by start, and what a handler ends at once shall cost no promise.
   */
  #process(delivery: Delivery, free: () => void): Ending | Promise<Ending> {
    if (!this.#settings.isAllowed()) return FORBIDDEN;
    const opened = openDelivery(delivery, this.#settings);
    this.#noteDeprecated(opened);
    if (delivery.answer !== undefined)
      return this.#asked.run(opened, (read) => this.#handle(read, undefined, free));
    const turn = { opened, history: NO_HISTORY, isDone: false, free };
    if (delivery.deliveryCount > 1) return this.#processAgain(turn);
    if (opened.refusal?.code === "unknown-event") return this.#park(turn, opened.refusal);
    return this.#attempt(turn);
  }

  /** Parks an event that lacks only its schema beside the stream, so that no other event waits for it. */
  #park({ opened, history }: Turn, error: MeshError): undefined {
    this.#parking.take({ opened, history, error });
  }

  #noteDeprecated({ contract, envelope }: OpenedDelivery): void {
    if (contract?.deprecated === undefined || envelope === undefined) return;
    const { deprecations, durable } = this.#settings;
    deprecations?.note(contract, { reader: durable, writer: envelope.source });
  }

  /** Handles a redelivery: an earlier delivery may have failed, or have ended its process. */
  async #processAgain(turn: Turn): Promise<Ending> {
    const { opened } = turn;
    turn.history = await this.#failures.historyOf(opened.delivery, opened.envelope?.event_id);
    const { trouble, verdict } = turn.history;
    if (trouble !== undefined) return this.#hold(turn, trouble);
    if (verdict !== undefined) {
      const ending = await this.#failures.condemned(opened, turn.history, verdict);
      return this.#failed(turn, ending, verdict.error);
    }
    if (opened.refusal?.code === "unknown-event") return this.#park(turn, opened.refusal);
    return this.#attempt(turn);
  }

  /** One run of the handler, or the refusal to run it. */
  #attempt(turn: Turn): Settlement | Promise<Settlement> {
    try {
      const { refusal } = turn.opened;
      if (refusal !== undefined) throw refusal;
      const ran = this.#handleOnce(turn);
      if (!(ran instanceof Promise)) return this.#succeeded(turn, ran);
      return ran.then(
        (itRan) => this.#succeeded(turn, itRan),
        (thrown) => this.#unhandled(turn, thrown),
      );
    } catch (thrown) {
      return this.#unhandled(turn, thrown);
    }
  }

  #succeeded(turn: Turn, ran: boolean): Settlement | Promise<Settlement> {
    const { opened, history } = turn;
    if (opened.delivery.deliveryCount > 1) {
      return this.#failures.succeeded(opened, history).then(() => this.#done(turn, ran));
    }
    return this.#done(turn, ran);
  }

  #done({ opened, history }: Turn, ran: boolean): Settlement {
    this.#settings.onSettled(ran ? "handled" : "repeated");
    this.#metrics.succeeded(opened.envelope, history, ran);
    return ACK;
  }

  async #unhandled(turn: Turn, thrown: unknown): Promise<Settlement> {
    if (thrown instanceof StoreTrouble) return this.#hold(turn, thrown.cause);
    const { opened, history } = turn;
    if (opened.refusal !== undefined) this.#settings.onSettled("refused");
    const told = maskedError(thrown, opened.classified, opened.envelope?.data);
    const ending = await this.#failures.failed(opened, history, thrown, told);
    return this.#failed(turn, ending, told);
  }

  /** Redelivers later: the store did not answer whether the event may be handled, or did not keep its mark. */
  async #hold(turn: Turn, cause: unknown): Promise<Settlement> {
    const { opened, isDone } = turn;
    if (isDone) turn.history = await this.#failures.ended(opened, turn.history);
    this.#settings.onSettled("held");
    this.#metrics.held();
    return this.#failures.held(opened.delivery, turn.history, cause);
  }

  /** Counts and reports an attempt that failed. */
  async #failed({ opened, history }: Turn, ending: FailureEnding, thrown: unknown): Promise<Settlement> {
    if (ending.outcome === "deadLettered") await this.#tellRequester(opened, ending.category, thrown);
    this.#settings.onSettled(ending.outcome);
    this.#metrics.failed(opened.envelope, history, ending, thrown);
    return ending.settlement;
  }

  async #tellRequester(
    opened: OpenedDelivery,
    category: FailureEnding["category"],
    why: unknown,
  ): Promise<void> {
    const { delivery, envelope, address } = opened;
    if (envelope === undefined || address === undefined) return;
    await this.#settings.responder?.fail({ delivery, envelope, address }, category, why);
  }

  /** Returns whether the handler ran: its effect may have happened before. */
  #handleOnce(turn: Turn): boolean | Promise<boolean> {
    const { delivery, envelope, address, classified } = turn.opened;
    if (envelope === undefined || address === undefined) return false;
    const opened = { delivery, envelope, address, classified };
    if (this.#once === undefined) {
      const handled = this.#watched(turn, opened, undefined);
      return handled instanceof Promise ? handled.then(() => true) : true;
    }
    return this.#once.run({
      key: effectKey(envelope, address),
      storedMs: delivery.storedMs,
      run: (transaction) => this.#watched(turn, opened, transaction),
      onDone: () => this.#makeRoom(turn),
    });
  }

  /**
   * With one handler at a time the next waits for all of this one's end, so that a crash cannot repeat it after that.
   */
  #makeRoom(turn: Turn): void {
    turn.isDone = true;
    this.#freePlace(turn);
  }

  #freePlace(turn: Turn): void {
    if (this.#settings.maxConcurrency > 1) turn.free();
  }

  /** Runs the handler. That it begins is written down of an event that may have ended processes before. */
  #watched(turn: Turn, opened: ReadDelivery, transaction: unknown): unknown {
    const handle = (): unknown => this.#handle(opened, transaction, () => this.#freePlace(turn));
    return this.#failures.isSuspect(opened.delivery, turn.history)
      ? this.#begin(turn).then(handle)
      : handle();
  }

  /** Rejects with {@link StoreTrouble} when it cannot be written down that a run begins. */
  async #begin(turn: Turn): Promise<void> {
    try {
      turn.history = await this.#failures.begin(turn.opened, turn.history);
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.code === "internal") throw thrown;
      throw new StoreTrouble("the journal failed", { cause: thrown });
    }
  }

  /** @param onReturned Called when the handler of a command has ended well: its reply is stored behind it. */
  #handle(
    { delivery, envelope, address, classified }: ReadDelivery,
    transaction: unknown,
    onReturned: () => void,
  ): unknown {
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
        return Promise.resolve(returned).then((value) => {
          onReturned();
          return responder.answer({ delivery, envelope, address }, value);
        });
      }),
    );
  }
}
