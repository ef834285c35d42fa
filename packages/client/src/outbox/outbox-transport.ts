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
  delay,
  MAX_EVENT_BYTES,
  type OnDelivery,
  OUTBOX_STREAM,
  type OutboxStatus,
  sizeProblem,
  within,
} from "@adaos/core/wire";
import { closedError, InFlight } from "./in-flight.ts";
import type { Outbox } from "./outbox.ts";
import { isPassing, OutboxForwarder } from "./outbox-forwarder.ts";
import type { Hub, OutboxTransportOptions } from "./outbox-transport-options.ts";

/** Publishes that are held back while the last of the outbox is forwarded; more are kept. */
const MAX_HELD = 1000;
/** How often it is looked what takes too long, while there is anything. */
const TICK_MS = 250;
/** How often is looked for what other processes have left, and told that this one lives. */
const ADOPT_MS = 10_000;
/** A program that is started again comes first: what it publishes then goes behind what it had accepted before. */
const SUCCESSOR_MS = 20_000;

/**
 * A transport whose `publish` goes on while the hub is away: what cannot be stored there is stored on this machine's
 * disk and forwarded when it can be. Order is kept: while anything waits, everything else waits behind it.
 */
export class OutboxTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  /** They are at the hub: while it is away, none is made or changed. */
  readonly timers: Timers;
  readonly #options: Required<OutboxTransportOptions>;
  readonly #outbox: Outbox;
  readonly #forwarder: OutboxForwarder;
  readonly #log: Logger;
  readonly #flights = new Set<InFlight>();
  /** Aborts when what is on its way goes to the outbox: from there it is sent in order, and by nobody else. */
  #kept = new AbortController();
  /**
   * Held back until the outbox is empty, which takes a moment: written to it, they would keep it from ever being so.
   */
  #held: InFlight[] = [];
  /** The hub takes what is forwarded. */
  #isFlowing = false;
  /** Called when nothing waits any more, or the hub goes away. */
  readonly #onChange = new Set<() => void>();
  readonly #adopting: NodeJS.Timeout;
  /** Runs while anything is on its way or waits: a program at rest is not woken. */
  #ticker: NodeJS.Timeout | undefined;
  #hub: Hub | undefined;
  #hubError: MeshError | undefined;
  #unlisten: () => void = () => undefined;
  #state: "open" | "closing" | "closed" = "open";
  #closing: Promise<void> | undefined;

  /** Call `outbox.adopt()` before, so that what an earlier process has left goes first. */
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
    this.timers = hubTimers(() => {
      const hub = this.#presentHub();
      if (hub === undefined) throw this.#awayError();
      return hub.transport.timers;
    });
    this.#forwarder = new OutboxForwarder(this.#options, {
      // Nothing is forwarded before all that was sent straight has ended, and is written if it has to be.
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
    // What no hub will take must not wait for one.
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
    // Handlers that still run may publish; what the hub does not take any more is kept.
    await this.#hub?.transport.close();
    this.#keepHeld();
    this.#state = "closed";
    clearInterval(this.#ticker);
    this.#unlisten();
    for (const wake of this.#onChange) wake();
    // Whatever was on its way has ended; what ended badly is being written.
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
      // Reached as this was being closed: nobody else knows of it.
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
    // An append that failed leaves nothing to forward, and nobody else who tells.
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

  /** The moment was a long one. What is of use only now is told so. */
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

  /** Once nothing waits any more, what is published goes straight to the hub again. */
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
    // A caller who was told that it waits hears no more of it; when it is forwarded, it is refused again.
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

  /**
   * Writes all that is on its way to the outbox, at once and in order: what is published from now on waits behind it.
   */
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

/** The timers of whatever hub is there at each call. */
function hubTimers(present: () => Timers): Timers {
  return {
    put: async (timer) => present().put(timer),
    list: async () => present().list(),
    remove: async (name) => present().remove(name),
    pause: async (name) => present().pause(name),
    resume: async (name) => present().resume(name),
    trigger: async (name) => present().trigger(name),
  };
}
