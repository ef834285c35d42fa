import { type Logger, MeshError } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import { type Connection, isCluster } from "../connection/connection.ts";
import { serverHeader } from "../connection/message-headers.ts";
import { SubjectReader } from "../connection/msg-bytes.ts";
import { AckReader } from "./ack-reader.ts";
import type { AckSubject, AckSubjects } from "./ack-subject.ts";
import { type ConsumerState, parseConsumerAnswer, plainText } from "./consumer-state.ts";
import { HEARTBEAT_MS, PullRequest, type PullSize, requestText, sizeOfMsg } from "./pull-request.ts";
import type { PullWindow } from "./pull-window.ts";
import { UnaskedWatch } from "./unasked.ts";

/** `flowing`: the server answers. Otherwise `reason` says what blocks it. */
export type PullState = { readonly flowing: true } | { readonly flowing: false; readonly reason: string };

/** Facts that come with a message. */
export interface PulledInfo {
  readonly at: AckSubject;
  readonly bytes: number;
  /** It belongs to a request that was given up, so it comes in addition to later requests. */
  readonly isLate: boolean;
}

export interface PullLoopOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Where the JetStream API of that stream is found. */
  readonly apiPrefix: string;
  /** The server ends a request after this time if it could not serve it in full. Twice the heartbeat of 1 s or more. */
  readonly expiresMs: number;
  /** Requests that may be open at a time; with two, one is served while the other is on its way. */
  readonly requests: number;
  /** Priority group of a durable that serves one pinned client at a time. */
  readonly group?: string;
  readonly log: Logger;
  /**
   * The server may belong to somebody else. Then only deliveries of this consumer are accepted, and a server that keeps
   * sending unrequested messages is ignored for a while.
   */
  readonly own?: AckSubjects;
  /** Measures the line to the server: a request asks for no more than the line brings soon. */
  readonly window?: PullWindow;
  /** Size of the next request; undefined: no request before the next {@link PullLoop.fill}. */
  readonly nextSize: () => PullSize | undefined;
  readonly onMessage: (msg: Msg, info: PulledInfo) => void;
  /** The server serves another client of the group, and redelivers there all that it has sent us. */
  readonly onPinLost?: () => void;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState?: ((state: PullState) => void) | undefined;
}

/** Longest silence before we ask the server whether it still knows us. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const RETRY_MS = 300;
/** The end of a request that brought all it could: the server says so for one with a limit of bytes (code 409). */
const SERVED = /batch completed|exceeds maxbytes/i;
/** A pin is lost when no request comes for {@link PIN_TIMEOUT_MS}; an empty request keeps it. */
const PIN_KEPT_MS = 700;
/** How long a server waits for its pinned client before it serves another one. */
export const PIN_TIMEOUT_MS = 2500;

/** A server without messages keeps a request open for longer than this. */
const SOON_MS = 200;
/** Messages of a request that has ended count as unrequested for this time. */
const LINGER_MS = 1000;
/** A server that was suspended still serves the requests from before. */
const LATE_MS = 15_000;
const MAX_LISTENED = 64;
/** Passed to us before our own client library drops it, so that the excess is noticed. */
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
 * and the loss of the durable.
 */
export class PullLoop {
  readonly #connection: Connection;
  readonly #options: PullLoopOptions;
  readonly #inbox: string;
  /** Open requests, and earlier ones that may still bring messages; each has its own reply subject. */
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

  /** Messages that came without a request. */
  get unasked(): number {
    return this.#unasked.total;
  }

  /** When it last requested messages. */
  get askedMs(): number {
    return this.#askedMs;
  }

  /** Whether this is the one client of its group that the server serves. */
  get isPinned(): boolean {
    return this.#pin !== undefined;
  }

  /** Sends every request that is not open and has something to ask for. */
  fill(): void {
    if (this.#retry !== undefined || !this.#canSend()) return;
    for (let open = this.#open().length; open < this.#options.requests; open++) {
      const next = this.#options.nextSize();
      if (next === undefined) return;
      const size = { ...next, batch: Math.min(next.batch, this.#options.window?.batch ?? next.batch) };
      this.#ask(size, size);
    }
  }

  /** Call it every second or more often: it keeps the pin, and looks into a silence. */
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
    // No message fits into one byte: this requests nothing.
    if (this.#pin !== undefined && nowMs - this.#askedMs >= PIN_KEPT_MS)
      this.#ask({ batch: 1, maxBytes: 1 }, undefined);
    if (nowMs - this.#heardMs > SILENCE_MS) void this.#probe();
  }

  /** Releases the pin, so that the server serves another client of the group at once. Never rejects. */
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

  /**
   * The consumer's state from the server; undefined when the answer is not one. Rejects with what the client throws.
   */
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

  /** Sends no new requests; messages on their way still come until {@link end}. */
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
   * Gives up requests whose end was lost: the server does not serve them any more. A request is not lost while the line
   * still brings messages of it or of earlier ones.
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

  /** @param brings What it may bring; undefined: the request only shows that we are there. */
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
      // A request for nothing cannot bring anything late.
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

  /** Every request is lost: sends new ones. */
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
    // Pause before the next request when a server takes the pin away again and again.
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
    // A status of a request that was given up says nothing about later requests.
    const isCurrent = request.isOpen;
    const { isReplicated = isCluster(this.#connection) } = this.#options.own ?? {};
    if (code !== 100) request.endBy(msg, isReplicated, this.#heardMs);
    if (!isCurrent) return;
    if (code !== 100) this.#options.window?.ended(request, SERVED.test(description), this.#heardMs);
    if (code === 100 || code === 404 || code === 408 || SERVED.test(description)) {
      this.#report({ flowing: true });
      if (code === 100) return;
      // A foreign server that ends each request at once would be asked without a pause.
      if (this.#options.own !== undefined && request.isFruitless(this.#heardMs, SOON_MS))
        this.#restartLater(undefined);
      else this.fill();
      return;
    }
    if (code === 423) return this.#losePin();
    if (/consumer deleted/i.test(description)) this.#options.onMissing();
    if (code !== 503) return this.#restartLater(`${code} ${description}`);
    this.#restartLater("no server answers");
    // A server whose store has lost the consumer repeats this answer and is never silent, so ask for the state here.
    if (this.#heardMs - this.#probedMs > SILENCE_MS) void this.#probe();
  }

  /** Drops an unrequested message. A server that keeps sending them is ignored for a while. */
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

  /** A deleted consumer and a lost request look alike, both silent: ask which it is. */
  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    this.#probedMs = performance.now();
    const { stream, consumer, log, onMissing } = this.#options;
    try {
      const answer = await this.#askInfo(2000);
      if (this.#ended) return;
      if (answer === undefined) return this.#restartLater("its answer is not a consumer's state");
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
