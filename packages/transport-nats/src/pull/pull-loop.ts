import { type Logger, MeshError } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import type { Connection } from "../connection/connection.ts";
import { serverHeader } from "../connection/message-headers.ts";
import { SubjectReader } from "../connection/msg-bytes.ts";
import { AckReader } from "./ack-reader.ts";
import type { AckSubject, AckSubjects } from "./ack-subject.ts";
import { type ConsumerState, parseConsumerAnswer, plainText } from "./consumer-state.ts";
import { HEARTBEAT_MS, PullRequest, type PullSize, requestText, sizeOfMsg } from "./pull-request.ts";
import type { PullWindow } from "./pull-window.ts";
import { UnaskedWatch } from "./unasked.ts";

/** `flowing`: the server answers. Otherwise what stands in the way. */
export type PullState = { readonly flowing: true } | { readonly flowing: false; readonly reason: string };

/** What comes with a message. */
export interface PulledInfo {
  readonly at: AckSubject;
  readonly bytes: number;
  /** Of a request that was given up: it comes beside what has been asked for since. */
  readonly isLate: boolean;
}

export interface PullLoopOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Where the JetStream API of that stream is found. */
  readonly apiPrefix: string;
  /** After which the server ends a request that it could not serve in full. Twice the heartbeat of 1 s or more. */
  readonly expiresMs: number;
  /** Requests that may be open at a time; with two, the one flows while the other is on its way. */
  readonly requests: number;
  /** Priority group of a durable that serves one pinned client at a time. */
  readonly group?: string;
  readonly log: Logger;
  /**
   * The server may be another's: only deliveries of this consumer are taken, and one that goes on sending what it was
   * not asked for is heard no more for a while.
   */
  readonly own?: AckSubjects;
  /** Of the line to the server: a request asks for no more than it brings soon. */
  readonly window?: PullWindow;
  /** What the next request shall ask for; nothing: none is made before the next {@link PullLoop.fill}. */
  readonly nextSize: () => PullSize | undefined;
  readonly onMessage: (msg: Msg, info: PulledInfo) => void;
  /** The server serves another client of the group: whatever it has sent us it sends there too. */
  readonly onPinLost?: () => void;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState?: ((state: PullState) => void) | undefined;
}

/** Longest silence before the server is asked whether it still knows us. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const RETRY_MS = 300;
/** How a request ends that has brought all it could: the server tells so of one with a limit of bytes (code 409). */
const SERVED = /batch completed|exceeds maxbytes/i;
/** A pin is lost when no request comes for {@link PIN_TIMEOUT_MS}; one that asks for nothing keeps it. */
const PIN_KEPT_MS = 700;

/** How long a server waits for its pinned client before it serves another one. */
export const PIN_TIMEOUT_MS = 2500;

/** A server without messages keeps a request open for longer than this. */
const SOON_MS = 200;
/** What a request that has ended still brings was not asked for; so long it is counted. */
const LINGER_MS = 1000;
/** A server that has stood still serves what it was asked before it did. */
const LATE_MS = 15_000;
const MAX_LISTENED = 64;
/** Shown to us before our own server drops it, so that it is noticed. */
const UNASKED_SHOWN = 128;
const MAX_STATUS_BYTES = 4096;
/** A pin is an id of 22 letters and digits (nats-server 2.15). */
const PIN = /^[\w-]{1,64}$/;

interface Listened {
  readonly request: PullRequest;
  readonly subscription: Subscription;
}

/**
 * Keeps requests for messages open at one durable for as long as it lives: across reconnects, restarts of the server,
 * and the durable's own disappearance.
 */
export class PullLoop {
  readonly #connection: Connection;
  readonly #options: PullLoopOptions;
  readonly #inbox: string;
  /** Those that are open, and those before them that may still bring something; each has a reply subject of its own. */
  #listened: Listened[] = [];
  #made = 0;
  readonly #unlisten: () => void;
  readonly #nextSubject: string;
  readonly #unasked = new UnaskedWatch();
  readonly #subjects = new SubjectReader();
  readonly #acks = new AckReader();
  #isPaused = false;
  #pin: string | undefined;
  #askedMs = 0;
  #heardMs = performance.now();
  #restartedMs = Number.NEGATIVE_INFINITY;
  #isFlowing = false;
  #probing = false;
  #probedMs = Number.NEGATIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(connection: Connection, options: PullLoopOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#nextSubject = this.#apiSubject("MSG.NEXT");
    this.#inbox = connection.newInbox();
    this.#unlisten = connection.listen({ onReconnect: () => this.#restart() });
  }

  /** Messages that open requests may still bring. */
  get left(): number {
    return this.#open().reduce((sum, { left }) => sum + left, 0);
  }

  /** Bytes that open requests may still bring. */
  get leftBytes(): number {
    return this.#open().reduce((sum, { leftBytes }) => sum + leftBytes, 0);
  }

  /** Messages that came and that nobody had asked for. */
  get unasked(): number {
    return this.#unasked.total;
  }

  /** When it last asked for messages. */
  get askedMs(): number {
    return this.#askedMs;
  }

  /** Whether this is the one client of its group that the server serves. */
  get isPinned(): boolean {
    return this.#pin !== undefined;
  }

  /** Makes every request that is not open and has something to ask for. */
  fill(): void {
    if (this.#retry !== undefined || !this.#canSend()) return;
    for (let open = this.#open().length; open < this.#options.requests; open++) {
      const next = this.#options.nextSize();
      if (next === undefined) return;
      const size = { ...next, batch: Math.min(next.batch, this.#options.window?.batch ?? next.batch) };
      this.#ask(size, size);
    }
  }

  /** To be called every second or more often: keeps the pin, and looks into a silence. */
  tick(): void {
    if (!this.#connection.connected) {
      this.#report({ flowing: false, reason: "the server is away" });
      return;
    }
    const nowMs = performance.now();
    this.#dropGone(nowMs);
    if (this.#ended || this.#retry !== undefined) return;
    this.#giveUpOver(nowMs);
    this.fill();
    // A message of no more than one byte there is not: this asks for nothing.
    if (this.#pin !== undefined && nowMs - this.#askedMs >= PIN_KEPT_MS)
      this.#ask({ batch: 1, maxBytes: 1 }, undefined);
    if (nowMs - this.#heardMs > SILENCE_MS) void this.#probe();
  }

  /** Lets another client of the group be served at once. Never rejects. */
  async unpin(timeoutMs: number): Promise<void> {
    if (this.#pin === undefined || !this.#canSend()) return;
    this.#pin = undefined;
    const { group, log, consumer } = this.#options;
    try {
      await this.#connection.nc.request(this.#apiSubject("UNPIN"), JSON.stringify({ group }), {
        timeout: timeoutMs,
      });
    } catch (err) {
      log.warn({ consumer, err }, "pin not given back");
    }
  }

  /** The consumer's state as the server tells it; nothing when it tells none. Rejects with what the client throws. */
  async info(timeoutMs: number): Promise<ConsumerState | undefined> {
    const answer = await this.#askInfo(timeoutMs);
    return answer?.kind === "state" ? answer.state : undefined;
  }

  async #askInfo(timeoutMs: number): Promise<ReturnType<typeof parseConsumerAnswer>> {
    const answer = await this.#connection.nc.request(this.#apiSubject("INFO"), undefined, {
      timeout: timeoutMs,
    });
    return parseConsumerAnswer(answer.data);
  }

  /** Makes nothing anew any more; what is on its way still comes until {@link end}. */
  quiet(): void {
    this.#ended = true;
    this.#unlisten();
    clearTimeout(this.#retry);
  }

  end(): void {
    this.quiet();
    this.#deafen();
  }

  #open(): PullRequest[] {
    return this.#listened.flatMap(({ request }) => (request.isOpen && request.left > 0 ? [request] : []));
  }

  #apiSubject(verb: "MSG.NEXT" | "INFO" | "UNPIN"): string {
    const { apiPrefix, stream, consumer } = this.#options;
    return `${apiPrefix}.CONSUMER.${verb}.${stream}.${consumer}`;
  }

  /**
   * The word of their end was lost: the server serves them no more. It is not lost while the line still brings what was
   * asked for with them or before them.
   */
  #giveUpOver(nowMs: number): void {
    let heardMs = 0;
    for (const { request } of this.#listened) {
      heardMs = Math.max(heardMs, request.heardMs);
      const overMs = Math.max(request.sentMs + this.#options.expiresMs, heardMs) + HEARTBEAT_MS;
      if (!request.isOpen || nowMs <= overMs) continue;
      request.giveUp();
      this.#options.window?.stalled(request);
    }
  }

  #canSend(): boolean {
    return this.#connection.connected && !this.#connection.nc.isClosed();
  }

  /** @param brings What it may bring; nothing: it only shows that we are there. */
  #ask(size: PullSize, brings: PullSize | undefined): void {
    const { group, expiresMs } = this.#options;
    this.#askedMs = performance.now();
    const request = new PullRequest(`${this.#inbox}.${this.#made++}`, brings, this.#askedMs);
    const subscription = this.#connection.nc.subscribe(request.inbox, {
      max: request.maxAnswers + UNASKED_SHOWN,
      callback: (error, msg) => {
        if (error === null) this.#onMsg(request, msg);
      },
    });
    this.#listened.push({ request, subscription });
    const terms = { expiresMs, isServed: this.#isFlowing, group, pin: this.#pin };
    this.#connection.nc.publish(this.#nextSubject, requestText(size, terms), { reply: request.inbox });
    if (this.#listened.length > MAX_LISTENED) this.#dropOldest();
  }

  #dropGone(nowMs: number): void {
    this.#listened = this.#listened.filter(({ request, subscription }) => {
      // One that asks for nothing has nothing to bring late.
      const lateMs =
        request.isLate && request.left > 0 ? LATE_MS : this.#options.expiresMs + 2 * HEARTBEAT_MS;
      if (request.isOpen && request.left > 0) return true;
      if (!request.isGone(nowMs, lateMs, LINGER_MS)) return true;
      subscription.unsubscribe();
      return false;
    });
  }

  #dropOldest(): void {
    const at = this.#listened.findIndex(({ request }) => !request.isOpen || request.left === 0);
    for (const { subscription } of this.#listened.splice(at, at === -1 ? 0 : 1)) subscription.unsubscribe();
  }

  #deafen(): void {
    for (const { subscription } of this.#listened) subscription.unsubscribe();
    this.#listened = [];
  }

  /** Every request is lost: makes them anew. */
  #restart(): void {
    if (this.#isPaused) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#heardMs = performance.now();
    this.#restartedMs = this.#heardMs;
    this.#options.window?.startAnew();
    for (const { request } of this.#listened) if (request.isOpen) request.giveUp();
    this.fill();
  }

  #restartLater(reason: string | undefined): void {
    if (this.#ended || this.#isPaused) return;
    if (reason !== undefined) this.#report({ flowing: false, reason });
    this.#retry ??= setTimeout(() => this.#restart(), RETRY_MS);
  }

  #report(state: PullState): void {
    this.#isFlowing = state.flowing;
    this.#options.onState?.(state);
  }

  #losePin(): void {
    if (this.#pin === undefined) return;
    this.#pin = undefined;
    this.#options.onPinLost?.();
    // A server that takes it away again and again is not asked without a pause.
    if (performance.now() - this.#restartedMs < RETRY_MS) this.#restartLater(undefined);
    else this.#restart();
  }

  #onMsg(request: PullRequest, msg: Msg): void {
    this.#heardMs = performance.now();
    const bytes = sizeOfMsg(msg);
    if (this.#subjects.read(msg) === request.inbox) {
      if (bytes > MAX_STATUS_BYTES || !request.takeStatus()) return this.#onUnasked(bytes);
      return this.#onStatus(request, msg);
    }
    if (!request.takeMessage(bytes, this.#heardMs)) return this.#onUnasked(bytes);
    const at = this.#acks.read(msg);
    if (at === undefined || this.#options.own?.isOwn(at) === false) return this.#onUnasked(bytes);
    if (this.#pin === undefined && this.#options.group !== undefined) {
      const pin = serverHeader(msg, "Nats-Pin-Id");
      if (PIN.test(pin)) this.#pin = pin;
    }
    this.#options.window?.came(bytes);
    this.#options.onMessage(msg, { at, bytes, isLate: request.isLate });
    if (request.left > 0) return;
    request.end(this.#heardMs);
    if (!request.isLate) this.#options.window?.ended(request, true, this.#heardMs);
    this.fill();
  }

  #onStatus(request: PullRequest, msg: Msg): void {
    const code = msg.headers?.code ?? 0;
    const description = plainText(msg.headers?.description);
    // Of one that was given up it says nothing of those since.
    const isCurrent = request.isOpen;
    if (code !== 100) request.end(this.#heardMs);
    if (!isCurrent) return;
    if (code !== 100) this.#options.window?.ended(request, SERVED.test(description), this.#heardMs);
    if (code === 100 || code === 404 || code === 408 || SERVED.test(description)) {
      this.#report({ flowing: true });
      if (code === 100) return;
      // One that is another's, and ends each at once, would be asked without a pause.
      if (this.#options.own !== undefined && request.isFruitless(this.#heardMs, SOON_MS))
        this.#restartLater(undefined);
      else this.fill();
      return;
    }
    if (code === 423) return this.#losePin();
    if (/consumer deleted/i.test(description)) this.#options.onMissing();
    if (code !== 503) return this.#restartLater(`${code} ${description}`);
    this.#restartLater("no server answers");
    // A server whose store has lost the consumer answers just so, again and again: it is never silent.
    if (this.#heardMs - this.#probedMs > SILENCE_MS) void this.#probe();
  }

  /** Drops what was not asked for; who goes on sending it is not listened to for a while. */
  #onUnasked(bytes: number): void {
    const pauseMs = this.#unasked.note(bytes, this.#heardMs);
    const { own, log, stream, consumer } = this.#options;
    if (pauseMs === undefined || own === undefined || this.#isPaused || this.#ended) return;
    this.#isPaused = true;
    clearTimeout(this.#retry);
    this.#deafen();
    const since = new Date().toISOString();
    log.error(
      { stream, consumer, unasked: this.unasked, pauseMs },
      "source paused: sends what was not asked for",
    );
    this.#report({ flowing: false, reason: `it sends what was not asked for; paused since ${since}` });
    this.#retry = setTimeout(() => {
      this.#isPaused = false;
      this.#restart();
    }, pauseMs);
  }

  /** A deleted consumer and a lost request are both just silence: ask which it is. */
  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    this.#probedMs = performance.now();
    const { stream, consumer, log, onMissing } = this.#options;
    try {
      const answer = await this.#askInfo(2000);
      if (this.#ended) return;
      if (answer === undefined) return this.#restartLater("it answers what is no consumer's state");
      if (answer.kind === "state") return this.#restart();
      // Any other refusal passes: a server that reads its config has no JetStream for a moment.
      if (answer.code === 404) {
        log.warn({ stream, consumer, error: answer.description }, "consumer missing");
        onMissing();
      }
      this.#restartLater(answer.description || "the consumer is missing");
    } catch (thrown) {
      this.#restartLater(MeshError.from(thrown, "unavailable", "the server does not answer").message);
    } finally {
      this.#probing = false;
    }
  }
}
