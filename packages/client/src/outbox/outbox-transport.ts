import {
  type Logger,
  MeshError,
  type Message,
  type PublishReceipt,
  type SendOptions,
  type SubscribeOptions,
  type Subscription,
  type Timers,
  type Transport,
  type TransportCapabilities,
} from "@adaos/core";
import {
  type Documents,
  delay,
  MAX_EVENT_BYTES,
  type OnDelivery,
  OUTBOX_STREAM,
  type OutboxStatus,
  sizeProblem,
  within,
} from "@adaos/core/wire";
import { hubDocuments, hubTimers } from "./hub-services.ts";
import { closedError, InFlight } from "./in-flight.ts";
import type { Outbox } from "./outbox.ts";
import { isPassing, OutboxForwarder } from "./outbox-forwarder.ts";
import type { Hub, OutboxTransportOptions } from "./outbox-transport-options.ts";

/** Publishes that wait in memory while the last of the outbox is forwarded; more go to the outbox. */
const MAX_HELD = 1000;
/** Interval of checks for publishes that take too long, while there are any. */
const TICK_MS = 250;
/** Interval at which this process looks for files of ended ones and shows that it is alive. */
const ADOPT_MS = 10_000;
/** A restarted program has priority: its new events go behind those that it had accepted before. */
const SUCCESSOR_MS = 20_000;

/**
 * A transport whose `publish` works while the hub is away. It stores messages that the hub cannot accept on this
 * machine's disk and forwards them when possible. It keeps the order: while a message waits, all later ones wait behind
 * it.
 */
export class OutboxTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  /** Timers are kept at the hub: while it is away, none can be created or changed. */
  readonly timers: Timers;
  /** Documents too. */
  readonly documents: Documents;
  readonly #options: Required<OutboxTransportOptions>;
  readonly #outbox: Outbox;
  readonly #forwarder: OutboxForwarder;
  readonly #log: Logger;
  readonly #flights = new Set<InFlight>();
  /** Aborts when messages on their way go to the outbox: only the outbox sends them then, in order. */
  #kept = new AbortController();
  /**
   * Held in memory until the outbox is empty, which takes a moment. Written to the outbox, they would keep it from ever
   * being empty.
   */
  #held: InFlight[] = [];
  /** Whether the hub accepts forwarded messages. */
  #isFlowing = false;
  /** Called when no message waits any more, or the hub goes away. */
  readonly #onChange = new Set<() => void>();
  readonly #adopting: NodeJS.Timeout;
  /** Runs while a message is on its way or waits, so that an idle program is not woken. */
  #ticker: NodeJS.Timeout | undefined;
  #hub: Hub | undefined;
  #hubError: MeshError | undefined;
  #unlisten: () => void = () => undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  /** Call `outbox.adopt()` before, so that an earlier process's messages go first. */
  constructor(options: OutboxTransportOptions) {
    this.#options = {
      capabilities: { duplicateWindowMs: 120_000 },
      patienceMs: 3000,
      batchMessages: 500,
      retryMs: 250,
      drainMs: 5000,
      onClose: () => undefined,
      ...options,
    };
    this.capabilities = this.#options.capabilities;
    this.#outbox = options.outbox;
    this.#log = options.log;
    // One that has just gone away is asked for a while.
    const present = (): Transport => {
      if (this.#hub === undefined || this.#state === "closed") throw this.#awayError();
      return this.#hub.transport;
    };
    this.timers = hubTimers(present);
    this.documents = hubDocuments(present, options.hub);
    this.#forwarder = new OutboxForwarder(this.#options, {
      // Forward nothing before all direct publishes have ended, and have been written if necessary.
      hub: () => (this.#state === "closed" || this.#flights.size > 0 ? undefined : this.#presentHub()),
      onFlow: () => {
        this.#isFlowing = true;
      },
      onStop: () => this.#keepHeld(),
      onEnd: () => this.#onForwarded(),
    });
    this.#adopting = setInterval(() => {
      void this.#outbox.touch();
      void this.#outbox.adopt(SUCCESSOR_MS).then(() => this.#forward());
    }, ADOPT_MS).unref();
    options.hub.then(
      (hub) => this.#onHub(hub),
      (thrown: unknown) => {
        this.#hubError = MeshError.from(thrown, "unavailable", "the hub cannot be reached");
        if (this.#state === "open") this.#log.error({ err: thrown }, "hub not reached");
      },
    );
  }

  get outbox(): OutboxStatus {
    const { waiting, waitingBytes } = this.#outbox;
    return { waiting, bytes: waitingBytes, refused: this.#forwarder.refused };
  }

  publish(message: Message, { onlyNow = false }: SendOptions = {}): Promise<PublishReceipt> {
    if (this.#state === "closed") return Promise.reject(closedError());
    // A message that no hub would accept must not wait for one.
    const problem = sizeProblem(message, MAX_EVENT_BYTES);
    if (problem !== undefined) return Promise.reject(problem);
    const { waiting } = this.#outbox;
    const hub = this.#presentHub();
    if (hub !== undefined) {
      const isFree = waiting === 0 && this.#held.length === 0;
      if (isFree) return this.#start(message, !onlyNow, (flight) => this.#send(hub.transport, flight));
      const isLast = this.#outbox.isWithin(this.#options.batchMessages, hub.writeBytes());
      const isMoment = this.#held.length > 0 || (this.#isFlowing && isLast);
      if (onlyNow || isMoment) return this.#start(message, !onlyNow, (flight) => this.#hold(flight));
    }
    return onlyNow ? Promise.reject(this.#awayError()) : this.#keep(message);
  }

  async subscribe(options: SubscribeOptions, onDelivery: OnDelivery): Promise<Subscription> {
    if (this.#state !== "open") throw closedError();
    const { transport } = await this.#options.hub.catch((thrown: unknown) => {
      throw this.#state === "open" ? thrown : closedError();
    });
    return transport.subscribe(options, onDelivery);
  }

  async handlersOf(subject: string): Promise<"some" | "none" | "unknown"> {
    const hub = this.#presentHub();
    if (hub === undefined) throw this.#awayError();
    return hub.transport.handlersOf(subject);
  }

  awaitReply(requestId: string, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    const reply = this.#hub?.transport.awaitReply(requestId, signal, accepts);
    return reply ?? Promise.reject(this.#awayError());
  }

  ask(message: Message, signal: AbortSignal, accepts: (reply: Message) => boolean): Promise<Message> {
    const hub = this.#presentHub();
    return hub?.transport.ask(message, signal, accepts) ?? Promise.reject(this.#awayError());
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = "closing";
    clearInterval(this.#adopting);
    this.#options.onClose();
    if (this.#presentHub() !== undefined) await this.#drain(this.#options.drainMs);
    // Running handlers may still publish; messages that the hub does not accept any more go to the outbox.
    await this.#hub?.transport.close();
    this.#keepHeld();
    this.#state = "closed";
    clearInterval(this.#ticker);
    this.#unlisten();
    for (const wake of this.#onChange) wake();
    // Every publish on its way has ended; failed ones are being written.
    while (this.#flights.size > 0) await delay(1);
    await this.#forwarder.ended;
    await this.#outbox.close();
  }

  async #drain(limitMs: number): Promise<void> {
    const deadlineMs = Date.now() + limitMs;
    const isBusy = (): boolean => this.#outbox.waiting > 0 || this.#held.length > 0;
    while (isBusy() && Date.now() < deadlineMs && this.#presentHub() !== undefined) {
      await within(this.#change(), deadlineMs - Date.now());
    }
  }

  #presentHub(): Hub | undefined {
    return this.#hub?.connection.connected === true ? this.#hub : undefined;
  }

  #awayError(): MeshError {
    if (this.#state === "closed") return closedError();
    return this.#hubError ?? new MeshError("unavailable", "the hub is away; nothing was sent");
  }

  #onHub(hub: Hub): void {
    if (this.#state !== "open") {
      // The hub was reached during the close: nobody else knows the connection.
      void hub.transport.close().catch(() => undefined);
      return;
    }
    this.#hub = hub;
    this.#unlisten = hub.connection.listen({
      onDisconnect: () => {
        this.#keepInFlight();
        this.#keepHeld();
        this.#changed();
      },
      onReconnect: () => this.#forward(),
    });
    this.#forward();
  }

  #keepTicking(): void {
    if (this.#ticker !== undefined || this.#state === "closed") return;
    this.#ticker = setInterval(() => this.#tick(), Math.min(TICK_MS, this.#options.patienceMs)).unref();
  }

  #tick(): void {
    if (this.#isLate(this.#flights.values().next().value)) this.#keepInFlight();
    if (this.#isLate(this.#held[0])) this.#keepHeld();
    // After a failed append there is nothing to forward, and no other event that calls this.
    this.#onForwarded();
    this.#forward();
    if (this.#flights.size + this.#held.length + this.#outbox.waiting > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #isLate(flight: InFlight | undefined): boolean {
    return flight !== undefined && Date.now() - flight.startedMs >= this.#options.patienceMs;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#onChange.add(resolve));
  }

  #changed(): void {
    for (const wake of this.#onChange) wake();
    this.#onChange.clear();
  }

  async #keep(message: Message): Promise<PublishReceipt> {
    this.#keepTicking();
    const seq = await this.#outbox.append(message);
    this.#forward();
    return { stream: OUTBOX_STREAM, seq, duplicate: false };
  }

  #start(message: Message, mayWait: boolean, go: (flight: InFlight) => void): Promise<PublishReceipt> {
    return new Promise((resolve, reject) => go(new InFlight(message, mayWait, resolve, reject)));
  }

  #send(transport: Transport, flight: InFlight): void {
    this.#flights.add(flight);
    this.#keepTicking();
    transport.publish(flight.message, { signal: this.#kept.signal }).then(
      (receipt) => this.#onStored(flight, receipt),
      (thrown: unknown) => this.#onFailed(flight, MeshError.from(thrown, "internal", "publish failed")),
    );
  }

  #hold(flight: InFlight): void {
    this.#held.push(flight);
    this.#keepTicking();
    if (this.#held.length > MAX_HELD) this.#keepHeld();
  }

  /** Stops waiting in memory: publishes go to the outbox. One that is of use only now is rejected. */
  #keepHeld(): void {
    this.#isFlowing = false;
    const held = this.#held;
    this.#held = [];
    for (const flight of held) {
      if (flight.mayWait) {
        this.#keep(flight.message).then(
          (receipt) => flight.tell(receipt),
          (error: MeshError) => flight.fail(error),
        );
      } else flight.fail(this.#awayError());
    }
  }

  /** When no message waits any more, publishes go straight to the hub again. */
  #onForwarded(): void {
    if (this.#outbox.waiting > 0) return;
    const hub = this.#presentHub();
    if (hub !== undefined) {
      for (const flight of this.#held.splice(0)) this.#send(hub.transport, flight);
    }
    this.#changed();
  }

  #onStored(flight: InFlight, receipt: PublishReceipt): void {
    flight.tell(receipt);
    this.#land(flight, true);
  }

  #onFailed(flight: InFlight, error: MeshError): void {
    const isOpen = isPassing(error);
    if (isOpen && flight.mayWait) this.#keepInFlight();
    const { kept } = flight;
    // A caller with a receipt from the outbox gets no second result; the message is refused again when it is forwarded.
    const isOver = !isOpen && error.code !== "backpressure" && !flight.isTold;
    if (kept === undefined || isOver) flight.fail(error);
    else kept.catch((reason: MeshError) => flight.fail(error.code === "unavailable" ? reason : error));
    this.#land(flight, isOver);
  }

  #land(flight: InFlight, isFinished: boolean): void {
    const gone = (): void => {
      this.#flights.delete(flight);
      if (flight.kept !== undefined) this.#forward();
    };
    if (flight.kept === undefined) return gone();
    flight.kept.then(() => {
      if (isFinished) this.#forwarder.passOver(flight.message);
      gone();
    }, gone);
  }

  /** Writes all publishes on their way to the outbox, at once and in order: later ones wait behind them. */
  #keepInFlight(): void {
    this.#kept.abort();
    this.#kept = new AbortController();
    for (const flight of this.#flights) {
      if (!flight.mayWait || flight.kept !== undefined) continue;
      flight.kept = this.#outbox.append(flight.message).then((seq) => {
        flight.tell({ stream: OUTBOX_STREAM, seq, duplicate: false });
      });
      flight.kept.catch(() => undefined);
    }
  }

  #forward(): void {
    if (this.#outbox.waiting === 0) return;
    this.#keepTicking();
    this.#forwarder.start();
  }
}
