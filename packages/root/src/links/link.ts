import { type Logger, MeshError, type Message } from "@adaos/core";
import { DEFAULT_DENY, type Denial, linkSpan, type MessageSpan, within } from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import {
  type AckSource,
  type Connection,
  delay,
  idOfMsg,
  type OrderedMessage,
  PinnedConsumer,
  StreamPublisher,
} from "@adaos/transport-nats";
import type { LinkBudget } from "../budgets/origin-budgets.ts";
import { LimitedLog } from "../limited-log.ts";
import { Admission, type AdmissionOptions } from "./admission.ts";
import type { Pace } from "./pace.ts";

/** One direction between a subnet and the root. The two differ in these values and nothing else. */
export interface LinkOptions extends AdmissionOptions {
  readonly connection: Connection;
  /**
   * Opens the connection that pulls, where that is one of its own; it is closed with the link. @default `connection`
   */
  readonly openSource?: (signal: AbortSignal) => Promise<Connection>;
  readonly source: AckSource & { readonly apiPrefix: string };
  /** Where an event of this subject is published at the other end. */
  readonly targetSubject: (subject: string) => string;
  /** @default as fast as can be */
  readonly pace?: Pace;
  /** Whether there is room for the event of a subject, and for whom nothing is asked for. */
  readonly budget: LinkBudget;
  /** Called when policy does not let an event pass. */
  readonly onDenied: (denial: Denial) => void;
  /** Called for what the target has stored. */
  readonly onCarried?: (message: Message) => void;
  /** The source's durable is gone: bring it back, if that is ours to do. */
  readonly onMissing: () => void;
  readonly log: Logger;
}

/** A target that did not take an event is tried again after this, then twice as long, and so on. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;
const STORE_TIMEOUT_MS = 5000;
/** An event that is sent is answered for, refused or given up within a few times that. */
const SETTLE_LIMIT_MS = 60_000;
/** Between attempts to open the connection that pulls. */
const OPEN_AGAIN_MS = 1000;
/** The target will never take the event: it says so of the event, and not of itself. */
const FINAL: ReadonlySet<string> = new Set<MeshError["code"]>(["too-large", "invalid-event"]);
const MAX_TEXT = 200;
/** At an orderly stop, for what is on its way to the target. */
const DRAIN_MS = 2000;

/** An admitted event that the target has not stored yet. */
interface CarriedEvent {
  readonly message: Message;
  readonly pulled: OrderedMessage;
  readonly span: MessageSpan;
}

/**
 * Carries events from one stream to another, at least once and in order: pull, check, store at the target, and only
 * then acknowledge at the source. Everything that has come is on its way at once; when the target does not take an
 * event, nothing more is sent until that one is stored.
 */
export class Link implements Part {
  readonly name: string;
  readonly #options: LinkOptions;
  readonly #admission: Admission;
  readonly #stopped = new AbortController();
  /** In the order of the source. */
  readonly #waiting = new Set<CarriedEvent>();
  readonly #log: LimitedLog;
  /** Of what is on its way to the target: it answers, or its time is up. */
  readonly #rounds = new Rounds(SETTLE_LIMIT_MS);
  #opening: Promise<void> | undefined;
  #own: Connection | undefined;
  #pull: PinnedConsumer | undefined;
  #target: StreamPublisher | undefined;
  #inFlight = 0;
  /** What is sent may be withdrawn by this. */
  #attempt = new AbortController();
  /** Nothing is sent but the first of what waits, now and then. */
  #holding = false;
  #pauseMs = FIRST_PAUSE_MS;
  #onDrained: () => void = () => undefined;
  #flowing = false;
  #sourceTrouble = "has not heard from the source yet";
  #targetTrouble: string | undefined;
  #carried = 0;
  #refused = 0;

  constructor(options: LinkOptions) {
    this.name = `link ${options.direction} ${options.subnet}`;
    this.#options = options;
    this.#admission = new Admission(options);
    this.#log = new LimitedLog(options.log);
  }

  async start(): Promise<void> {
    const { connection, openSource } = this.#options;
    this.#target = new StreamPublisher(connection, {
      timeoutMs: STORE_TIMEOUT_MS,
      // The root reads its own stream; what a hub says of its own harms its subnet alone.
      checksDuplicates: this.#options.direction === "up",
    });
    if (openSource === undefined) this.#pullBy(connection);
    else this.#opening = this.#open(openSource);
  }

  /** Never rejects. */
  async #open(openSource: NonNullable<LinkOptions["openSource"]>): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const own = await openSource(signal);
        this.#own = own;
        if (!signal.aborted) this.#pullBy(own);
        return;
      } catch (thrown) {
        const err = MeshError.from(thrown, "unavailable", "the connection for it cannot be opened");
        this.#sourceTrouble = err.message;
        if (!signal.aborted) this.#log.warn({ link: this.name, err }, "link connection refused");
        await delay(OPEN_AGAIN_MS, signal);
      }
    }
  }

  #pullBy(connection: Connection): void {
    const { source, onMissing, pace } = this.#options;
    this.#pull = new PinnedConsumer(connection, {
      ...source,
      ...(pace === undefined ? {} : { pace }),
      log: this.#log,
      onMissing,
      onState: (state) => {
        if (state.flowing !== this.#flowing)
          this.#log.info(
            { link: this.name, ...state },
            state.flowing ? "link source flowing" : "link source away",
          );
        this.#flowing = state.flowing;
        if (!state.flowing) this.#sourceTrouble = state.reason;
      },
      onMessage: (pulled) => this.#onPulled(pulled),
      onVoid: () => this.#withdrawAll(),
    });
  }

  async stop(): Promise<void> {
    this.#pull?.quiet();
    if (this.#inFlight > 0 && !this.#holding) await this.#drain();
    this.#stopped.abort();
    this.#attempt.abort();
    // What is not acknowledged stays with the source and is delivered again to whoever pulls next.
    await Promise.all([this.#target?.close(), this.#opening]);
    await this.#pull?.stop();
    await this.#own?.close();
    for (const { span } of this.#waiting) span.end(new MeshError("closed", "the link was stopped"));
  }

  health(): PartHealth {
    const standsBy = this.#pull?.isServed !== true;
    const details = {
      carried: this.#carried,
      refused: this.#refused,
      waiting: this.#pull?.held ?? 0,
      standsBy,
      ...(this.#pull === undefined || this.#pull.unasked === 0 ? {} : { unasked: this.#pull.unasked }),
    };
    if (!this.#flowing) return { ready: false, reason: `source: ${this.#sourceTrouble}`, details };
    if (this.#targetTrouble !== undefined)
      return { ready: false, reason: `target: ${this.#targetTrouble}`, details };
    const note = this.#options.budget.held();
    return { ready: true, ...(note === undefined ? {} : { note }), details };
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  /** The place in its source up to which it has carried everything; nothing while that is not known. */
  get carriedTo(): number | undefined {
    return this.#pull?.doneSeq;
  }

  #onPulled(pulled: OrderedMessage): void {
    this.#flowing = true;
    const carried = this.#admit(pulled);
    if (carried === undefined) return;
    this.#waiting.add(carried);
    if (!this.#holding) this.#send(carried);
  }

  /** Returns nothing for an event that goes nowhere. */
  #admit(pulled: OrderedMessage): CarriedEvent | undefined {
    const { direction, subnet } = this.#options;
    try {
      this.#options.budget.assertRoom(pulled.msg.subject);
      const { envelope, message } = this.#admission.admit(pulled.msg);
      return { message, pulled, span: linkSpan({ envelope, message }, direction, subnet) };
    } catch (thrown) {
      this.#refuse(pulled, MeshError.from(thrown, "internal", "event cannot be checked"));
      return undefined;
    }
  }

  /** Passes over an event that goes nowhere, and tells of it. */
  #refuse(pulled: OrderedMessage, { code, message, rule = DEFAULT_DENY }: MeshError): void {
    const { direction, subnet, pace, onDenied } = this.#options;
    this.#refused++;
    pace?.refuse();
    const { subject } = pulled.msg;
    const reason = message.slice(0, MAX_TEXT);
    if (code === "denied") {
      const hop = direction === "up" ? "export" : "import";
      const eventId = idOfMsg(pulled.msg);
      const told = { hop, node: subnet, event: subject, rule, reason } as const;
      onDenied({ ...told, ...(eventId === "" ? {} : { eventId }) });
    } else
      this.#log.warn({ link: this.name, subject, seq: pulled.seq, code, reason }, "link refused an event");
    pulled.done();
  }

  #send(carried: CarriedEvent): void {
    const { message, span } = carried;
    const subject = this.#options.targetSubject(message.subject);
    if (this.#inFlight++ === 0) this.#rounds.done();
    const { signal } = this.#attempt;
    // The target is there: links are given messages after they have started only.
    this.#target?.publish({ ...message, subject, headers: span.headers }, signal).then(
      () => this.#onStored(carried, signal),
      (thrown: unknown) => this.#onFailed(carried, thrown, signal),
    );
  }

  #onStored(carried: CarriedEvent, attempt: AbortSignal): void {
    this.#noteAnswer();
    if (this.#waiting.delete(carried)) {
      this.#carried++;
      this.#options.budget.stored(carried.message.subject, carried.message.body.length);
      this.#options.onCarried?.(carried.message);
      carried.span.end();
      carried.pulled.done();
    }
    if (!attempt.aborted) this.#goOn();
    this.#settleAttempt();
  }

  #noteAnswer(): void {
    if (--this.#inFlight > 0) this.#rounds.done();
    else this.#rounds.rest();
  }

  /** The target answers again: what waits is sent. */
  #goOn(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#targetTrouble = undefined;
    for (const waiting of this.#waiting) this.#send(waiting);
  }

  /**
   * What the target says of itself ends no event: it waits at its source until somebody has mended the target. What it
   * says of one event, that it will never take it, ends this one: all behind it would wait for ever.
   */
  #onFailed(carried: CarriedEvent, thrown: unknown, attempt: AbortSignal): void {
    this.#noteAnswer();
    const error = MeshError.from(thrown, "internal", "event cannot be stored");
    if (attempt.aborted) return this.#settleAttempt();
    if (FINAL.has(error.code)) {
      if (this.#waiting.delete(carried)) {
        carried.span.end(error);
        this.#refuse(carried.pulled, error);
      }
      this.#goOn();
    } else {
      if (this.#targetTrouble !== error.message.slice(0, MAX_TEXT)) {
        this.#log.warn(
          { link: this.name, code: error.code, reason: error.message.slice(0, MAX_TEXT) },
          "link target trouble",
        );
        this.#targetTrouble = error.message.slice(0, MAX_TEXT);
      }
      this.#hold();
    }
    this.#settleAttempt();
  }

  /** What comes after must not be stored before: takes back whatever can be. */
  #hold(): void {
    this.#holding = true;
    this.#attempt.abort();
  }

  #withdrawAll(): void {
    for (const { span } of this.#waiting)
      span.end(new MeshError("unavailable", "another root daemon carries"));
    this.#waiting.clear();
    if (this.#inFlight > 0) this.#hold();
  }

  /** Once everything sent has its answer, what waits is tried again: the first of it alone. */
  #settleAttempt(): void {
    if (this.#inFlight > 0) return;
    this.#onDrained();
    if (this.#holding && !this.#stopped.signal.aborted) void this.#tryAgain();
  }

  async #tryAgain(): Promise<void> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    await delay(pauseMs, this.#stopped.signal);
    if (this.#stopped.signal.aborted) return;
    this.#attempt = new AbortController();
    const [first] = this.#waiting;
    if (first === undefined) {
      // Everything was withdrawn; the next to come is the first.
      this.#holding = false;
      this.#targetTrouble = undefined;
    } else this.#send(first);
  }

  async #drain(): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    await within(drained, DRAIN_MS);
  }
}
