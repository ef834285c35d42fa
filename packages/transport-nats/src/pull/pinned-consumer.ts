import type { Logger } from "@adaos/core";
import { delay, every } from "@adaos/core/wire";
import type { Msg } from "nats";
import type { Connection } from "../connection/connection.ts";
import { type AckSource, type AckSubject, AckSubjects } from "./ack-subject.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { EarlyMessages } from "./early-messages.ts";
import { Gather } from "./gather.ts";
import { type Delivered, Ordered, type OrderedMessage } from "./ordered-message.ts";
import { type PulledInfo, PullLoop, type PullState } from "./pull-loop.ts";
import { keptMsg, type PullSize } from "./pull-request.ts";
import { PullWindow } from "./pull-window.ts";

/** Priority group of every durable that {@link PinnedConsumer} pulls from. */
export const PRIORITY_GROUP = "link";

export interface PinnedConsumerOptions extends AckSource {
  /** Where the JetStream API of that stream is found. */
  readonly apiPrefix: string;
  /** Limits how fast messages may come. @default unlimited */
  readonly pace?: PullPace;
  readonly log: Logger;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState: (state: PullState) => void;
  /** Hands over the next message of the stream; its `done()` is called once. */
  readonly onMessage: (message: OrderedMessage) => void;
  /** The server now serves another client: it redelivers there each message that was handed over and is not done. */
  readonly onVoid: () => void;
}

/** Limits how much may come, and counts the messages that have come. */
export interface PullPace {
  /** How much may be requested now, beyond earlier requests. Called several times a second. */
  allowance(): Allowance;
  /** A message has come, whether or not it can be handed over yet. */
  spend(bytes: number): void;
}

export interface Allowance {
  readonly events: number;
  readonly bytes: number;
  /** Fewer events than this do not justify a request. */
  readonly worth: number;
}

/** Limit of messages held and requested together. */
const MAX_HELD = 2000;
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** A server and this client count message bytes differently: allow a little more than was requested. */
const ROOM = { count: MAX_HELD + MAX_HELD / 4, bytes: MAX_HELD_BYTES + 512 * 1024 };
/**
 * Short, since across an account's service the subscription that carries an expiry may vanish. The loss is then noticed
 * only when the request would have ended anyway.
 */
const EXPIRES_MS = 2000;
/** Two requests share the size: the second is served while the first is on its way. */
const REQUESTS = 2;
const MAX_SIZE = { batch: MAX_HELD / REQUESTS, maxBytes: MAX_HELD_BYTES / REQUESTS };
/** Less does not justify a request; and a message of the largest size must fit. */
const MIN_SIZE = { batch: MAX_SIZE.batch / 4, maxBytes: 1.5 * 1024 * 1024 };
/** Missing messages have priority over new ones: request little when much is held already. */
const FEW = { batch: 8, maxBytes: MIN_SIZE.maxBytes };
/** When no message is done for this long, request no more: otherwise the server would redeliver again and again. */
const STALLED_MS = 1000;
const UNLIMITED: Allowance = { events: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, worth: 1 };
const TICK_MS = 250;
/** Time between looks at the consumer's deliveries. */
const LOOK_MS = 25;
const MAX_LOOK_MS = 500;
const INFO_MS = 2000;
/** Messages delivered to a client that is gone: requested by number, up to so many numbers. */
const MAX_NUMBERS = 20_000;
const NUMBERS_AGAIN_MS = 1000;
/** Requested at a time: no more than a durable may have unacknowledged. */
const MAX_ASKED = 2000;
/** A gap this soon after the one before is looked into no faster than that one. */
const CALM_MS = 2000;
const UNPIN_MS = 1000;

/**
 * Pulls from a durable with `ack_policy: all` that serves one pinned client. Hands over its messages strictly in the
 * order of the stream without a gap, since an acknowledgement covers all messages before it. Deliveries have
 * consecutive numbers. After a gap (a lost delivery, another puller before us, a restart), it hands over nothing until
 * all delivered messages are here.
 */
export class PinnedConsumer {
  readonly #connection: Connection;
  readonly #options: PinnedConsumerOptions;
  readonly #loop: PullLoop;
  readonly #window = new PullWindow(EXPIRES_MS);
  readonly #stopTicking: () => void;
  readonly #stopped = new AbortController();
  /** Messages handed over and not acknowledged, in order. */
  #queue: Ordered[] = [];
  #heldBytes = 0;
  /** Messages delivered while some before them are missing. */
  readonly #early = new EarlyMessages();
  readonly #acks: AckSubjects;
  #inOrder = false;
  #catchingUp: Promise<void> | undefined;
  /** Number of the newest delivery, and of the first in the unbroken run up to it. */
  #consumerSeq = -1;
  #unbrokenFrom = 0;
  /** Place of the newest message that was handed over. */
  #seq = 0;
  #acked: AckSubject | undefined;
  #created: string | undefined;
  #progressMs = 0;
  readonly #acknowledger = new Gather(() => this.#acknowledge());
  /** Counts how often all held messages were forgotten. */
  #era = 0;
  #lookMs = LOOK_MS;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #numbersMs = Number.NEGATIVE_INFINITY;
  /** Messages up to this place were requested by number. */
  #numbersTo = 0;

  constructor(connection: Connection, options: PinnedConsumerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#acks = new AckSubjects(options);
    this.#loop = new PullLoop(connection, {
      ...options,
      own: this.#acks,
      requests: REQUESTS,
      expiresMs: EXPIRES_MS,
      group: PRIORITY_GROUP,
      window: this.#window,
      nextSize: () => this.#nextSize(),
      onMessage: (msg, info) => this.#onDelivered(msg, info),
      onPinLost: () => {
        options.log.info({ stream: options.stream, consumer: options.consumer }, "another puller is served");
        this.#void();
      },
    });
    this.#stopTicking = every(TICK_MS, () => this.#loop.tick());
    this.#loop.fill();
  }

  /** Messages handed over and not acknowledged yet. */
  get held(): number {
    return this.#queue.length;
  }

  /** Everything up to here is done and acknowledged; undefined while that is not known. */
  get doneSeq(): number | undefined {
    return this.#acked?.seq;
  }

  /** Bytes of all messages here: handed over and not acknowledged, or waiting for missing ones. */
  get heldBytes(): number {
    return this.#heldBytes + this.#early.bytes;
  }

  /** Messages that came without a request. */
  get unasked(): number {
    return this.#loop.unasked;
  }

  /** Whether the server serves this puller and no other of its group. */
  get isServed(): boolean {
    return this.#loop.isPinned;
  }

  /** Stops handing over. Messages already handed over may still be done. */
  quiet(): void {
    this.#stopped.abort();
    this.#loop.quiet();
  }

  /** Acknowledges the done messages and lets another puller be served at once. Safe to call twice. */
  async stop(): Promise<void> {
    this.quiet();
    this.#stopTicking();
    this.#acknowledger.act();
    await this.#loop.unpin(UNPIN_MS);
    this.#loop.end();
    await this.#catchingUp;
  }

  #nextSize(): PullSize | undefined {
    if (this.#stopped.signal.aborted) return undefined;
    const { events, bytes, worth } = this.#options.pace?.allowance() ?? UNLIMITED;
    const paced = { batch: events - this.#loop.left, maxBytes: Math.max(bytes, MIN_SIZE.maxBytes) };
    if (paced.batch < worth || bytes <= 0) return undefined;
    // Missing messages have to come, however much is held; the durable's `max_ack_pending` bounds them.
    if (!this.#inOrder) {
      const room = MAX_HELD_BYTES - this.#heldBytes - this.#early.bytes - this.#loop.leftBytes;
      const size = { batch: MAX_SIZE.batch, maxBytes: Math.min(MAX_SIZE.maxBytes, room) };
      return smaller(size.maxBytes < MIN_SIZE.maxBytes ? FEW : size, paced);
    }
    if (this.held > 0 && performance.now() - this.#progressMs > STALLED_MS) return undefined;
    const batch = Math.min(MAX_SIZE.batch, MAX_HELD - this.held - this.#loop.left);
    const maxBytes = Math.min(MAX_SIZE.maxBytes, MAX_HELD_BYTES - this.#heldBytes - this.#loop.leftBytes);
    if (batch < MIN_SIZE.batch || maxBytes < MIN_SIZE.maxBytes) return undefined;
    // One request at a time while bytes are counted: two would bring twice what may come.
    if (bytes < MAX_HELD_BYTES && this.#loop.left > 0) return undefined;
    return smaller({ batch, maxBytes }, paced);
  }

  #onDelivered(msg: Msg, { at, bytes, isLate }: PulledInfo): void {
    if (this.#stopped.signal.aborted) return;
    // A late message is kept when there is room; otherwise it is delivered again.
    if (isLate && this.#isOverPace()) return this.#miss();
    // Count here, not at the handover: while a message is missing, all those behind it would come uncounted.
    this.#options.pace?.spend(bytes);
    // The numbers start again: the durable was recreated further back, and knows none of our acknowledgements.
    if (this.#acked !== undefined && at.consumerSeq <= this.#acked.consumerSeq) this.#void();
    if (this.#acked !== undefined && at.seq <= this.#acked.seq) {
      this.#count(at);
      // Its acknowledgement was lost, or the server ignored it as older than the newest one.
      this.#respond(at, "+ACK");
      if (!this.#inOrder) this.#miss();
      return;
    }
    if (this.#inOrder && at.consumerSeq === this.#consumerSeq + 1 && this.#hasRoom(bytes)) {
      this.#count(at);
      if (at.seq > this.#seq) this.#handOver({ msg, at, bytes });
      return;
    }
    this.#count(at);
    this.#early.add({ msg: keptMsg(msg), at, bytes }, this.#seq, {
      count: ROOM.count - this.held,
      bytes: ROOM.bytes - this.#heldBytes,
    });
    this.#miss();
  }

  #count({ consumerSeq }: AckSubject): void {
    if (consumerSeq !== this.#consumerSeq + 1) {
      this.#unbrokenFrom = consumerSeq;
      this.#inOrder = false;
    }
    this.#consumerSeq = consumerSeq;
  }

  /** A message did not come, or could not be kept. */
  #miss(): void {
    this.#inOrder = false;
    this.#catchingUp ??= this.#catchUp().finally(() => {
      this.#catchingUp = undefined;
    });
  }

  #hasRoom(bytes: number): boolean {
    return this.held === 0 || (this.held < ROOM.count && this.#heldBytes + bytes <= ROOM.bytes);
  }

  #isOverPace(): boolean {
    const { events, bytes } = this.#options.pace?.allowance() ?? UNLIMITED;
    return events < 1 || bytes <= 0;
  }

  #handOver(delivered: Delivered): void {
    if (this.held === 0) this.#progressMs = performance.now();
    const ordered = new Ordered(delivered, this.#onDone);
    this.#seq = ordered.seq;
    this.#heldBytes += delivered.bytes;
    this.#queue.push(ordered);
    this.#options.onMessage(ordered);
  }

  readonly #onDone = (): void => this.#acknowledger.ask();

  /** Sends one acknowledgement for all messages that are done. */
  #acknowledge(): void {
    let done = 0;
    for (let next = this.#queue[0]; next?.isDone === true; next = this.#queue[done]) {
      this.#heldBytes -= next.bytes;
      done++;
    }
    const last = this.#queue[done - 1];
    if (last === undefined) return;
    this.#acked = last.at;
    this.#respond(last.at, "+ACK");
    this.#queue.splice(0, done);
    this.#progressMs = performance.now();
    this.#loop.fill();
  }

  /** An answer that cannot be sent is repeated when the message is delivered again. */
  #respond(at: Parameters<AckSubjects["of"]>[0], word: "+ACK" | "-NAK"): void {
    if (this.#connection.connected && !this.#connection.nc.isClosed())
      this.#connection.nc.publish(this.#acks.of(at), word);
  }

  /** Forgets all held messages: another client gets them. */
  #void(): void {
    this.#era++;
    this.#queue = [];
    this.#heldBytes = 0;
    this.#early.clear();
    this.#inOrder = false;
    this.#consumerSeq = -1;
    this.#seq = 0;
    this.#acked = undefined;
    this.#options.onVoid();
  }

  /** The consumer was recreated, perhaps its stream too: only messages since the break in the numbers belong to it. */
  #beginAnew(): void {
    const consumerSeq = this.#consumerSeq;
    const run = [...this.#early.all()].filter(({ at }) => at.consumerSeq >= this.#unbrokenFrom);
    this.#void();
    this.#consumerSeq = consumerSeq;
    for (const early of run) this.#early.add(early, 0, ROOM);
  }

  /**
   * Asks until no message that the consumer has delivered is missing, then hands over those that came meanwhile. Never
   * rejects.
   */
  async #catchUp(): Promise<void> {
    if (performance.now() - this.#lookedMs > CALM_MS) {
      this.#lookMs = LOOK_MS;
      this.#numbersMs = performance.now() - NUMBERS_AGAIN_MS + LOOK_MS;
    } else await delay(this.#lookMs, this.#stopped.signal);
    while (!this.#inOrder && this.isServed && !this.#stopped.signal.aborted) {
      const era = this.#era;
      const state = await this.#state();
      this.#lookedMs = performance.now();
      if (this.#stopped.signal.aborted) break;
      if (state !== undefined && era === this.#era) this.#look(state);
      if (this.#inOrder) break;
      await delay(this.#lookMs, this.#stopped.signal);
      this.#lookMs = Math.min(this.#lookMs * 2, MAX_LOOK_MS);
    }
  }

  #look(state: ConsumerState): void {
    if (this.#created !== undefined && this.#created !== state.created) this.#beginAnew();
    this.#created = state.created;
    if (this.#holdsAll(state)) this.#resume(state);
    if (this.#inOrder) return;
    if (this.#acked !== undefined && this.#acked.seq > state.ack_floor.stream_seq)
      this.#respond(this.#acked, "+ACK");
    if (performance.now() - this.#numbersMs >= NUMBERS_AGAIN_MS) {
      this.#numbersMs = performance.now();
      this.#askByNumber(state);
    }
    this.#loop.fill();
  }

  async #state(): Promise<ConsumerState | undefined> {
    try {
      return await this.#loop.info(Math.max(INFO_MS, this.#window.waitMs(this.#loop.left)));
    } catch {
      // Reported by the pull loop, which misses its answers too.
      return undefined;
    }
  }

  /**
   * The server's pending count covers messages delivered above the floor and not acknowledged. All of them must be
   * here, or have come and found no room.
   */
  #holdsAll({ delivered, ack_floor: floor, num_ack_pending: pending }: ConsumerState): boolean {
    if (this.#consumerSeq > delivered.consumer_seq && this.#unbrokenFrom > delivered.consumer_seq + 1)
      return false;
    let here = 0;
    for (const { seq } of this.#queue) if (seq > floor.stream_seq) here++;
    const above = Math.max(floor.stream_seq, this.#seq);
    return here + this.#early.countBetween(above, delivered.stream_seq) === pending;
  }

  /** Hands over the messages that are here, up to the first that found no room. */
  #resume({ delivered, ack_floor: floor }: ConsumerState): void {
    this.#seq = Math.max(this.#seq, floor.stream_seq);
    const { ready, isAll } = this.#early.take(this.#seq);
    if (isAll) {
      this.#consumerSeq = Math.max(this.#consumerSeq, delivered.consumer_seq);
      this.#inOrder = true;
    }
    for (const early of ready) this.#handOver(early);
    this.#loop.fill();
  }

  /** Without this, messages of a client that is gone would come only after their ack wait. */
  #askByNumber({ delivered, ack_floor: floor }: ConsumerState): void {
    const known = this.#early.any() ?? this.#queue[0]?.at;
    const above = Math.max(floor.stream_seq, this.#seq);
    if (known === undefined || delivered.stream_seq - above > MAX_NUMBERS) return;
    // The next call asks for the rest, then starts over.
    if (this.#numbersTo < above || this.#numbersTo >= delivered.stream_seq) this.#numbersTo = above;
    const { consumer_seq: consumerSeq } = delivered;
    for (let asked = 0; asked < MAX_ASKED && this.#numbersTo < delivered.stream_seq; ) {
      const seq = ++this.#numbersTo;
      if (this.#early.has(seq)) continue;
      asked++;
      this.#respond({ source: known.source, deliveryCount: 1, seq, consumerSeq }, "-NAK");
    }
  }
}

type Size = Required<PullSize>;

function smaller(a: Size, b: Size): Size {
  return { batch: Math.min(a.batch, b.batch), maxBytes: Math.min(a.maxBytes, b.maxBytes) };
}
