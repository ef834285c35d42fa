import { type Logger, MeshError } from "@adaos/core";
import type { Msg, Subscription } from "nats";
import type { Connection } from "./connection.ts";

/** `flowing`: the server answers. Otherwise what stands in the way. */
export type PullState = { readonly flowing: true } | { readonly flowing: false; readonly reason: string };

/** How much one request for messages asks for. */
export interface PullSize {
  readonly batch: number;
  readonly maxBytes?: number;
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
  /** What the next request shall ask for; nothing: none is made before the next {@link PullLoop.fill}. */
  readonly nextSize: () => PullSize | undefined;
  readonly onMessage: (msg: Msg) => void;
  /** The server serves another client of the group: whatever it has sent us it sends there too. */
  readonly onPinLost?: () => void;
  /** The consumer does not exist: called, at most every few seconds, until it does. */
  readonly onMissing: () => void;
  readonly onState?: ((state: PullState) => void) | undefined;
}

const HEARTBEAT_MS = 1000;
/** Longest silence before the server is asked whether it still knows us. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;
const RETRY_MS = 300;
/** How a request ends that has brought all it could: the server tells so of one with a limit of bytes (code 409). */
const SERVED = /batch completed|exceeds maxbytes/i;
/** A pin is lost when no request comes for {@link PIN_TIMEOUT_MS}; one that asks for nothing keeps it. */
const PIN_KEPT_MS = 700;

/** How long a server waits for its pinned client before it serves another one. */
export const PIN_TIMEOUT_MS = 2500;

/** A request for messages, made again and again under numbers of its own. */
interface Request {
  readonly inbox: string;
  number: number;
  left: number;
  leftBytes: number;
  sentMs: number;
}

/**
 * Keeps requests for messages open at one durable for as long as it lives: across reconnects, restarts of the server,
 * and the durable's own disappearance.
 */
export class PullLoop {
  readonly #connection: Connection;
  readonly #options: PullLoopOptions;
  readonly #requests: readonly Request[];
  readonly #subscriptions: Subscription[];
  readonly #unlisten: () => void;
  readonly #nextSubject: string;
  readonly #pinInbox: string;
  #pin: string | undefined;
  #askedMs = 0;
  #heardMs = performance.now();
  #probing = false;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(connection: Connection, options: PullLoopOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#nextSubject = this.#apiSubject("MSG.NEXT");
    const inbox = connection.newInbox();
    this.#pinInbox = `${inbox}.pin`;
    this.#requests = Array.from({ length: options.requests }, (_, i) => ({
      inbox: `${inbox}.${i}`,
      number: 0,
      left: 0,
      leftBytes: 0,
      sentMs: 0,
    }));
    this.#subscriptions = this.#requests.map((request) =>
      connection.nc.subscribe(`${request.inbox}.*`, {
        callback: (error, msg) => {
          if (error === null) this.#onMsg(request, msg);
        },
      }),
    );
    if (options.group !== undefined) {
      this.#subscriptions.push(
        connection.nc.subscribe(this.#pinInbox, {
          callback: (error, msg) => {
            if (error === null) this.#onStatus(msg);
          },
        }),
      );
    }
    this.#unlisten = connection.listen({ onReconnect: () => this.#restart() });
  }

  /** Messages that open requests may still bring. */
  get left(): number {
    return this.#requests.reduce((sum, { left }) => sum + left, 0);
  }

  /** Bytes that open requests may still bring. */
  get leftBytes(): number {
    return this.#requests.reduce((sum, { leftBytes }) => sum + leftBytes, 0);
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
    for (const request of this.#requests) {
      if (request.left > 0) continue;
      const size = this.#options.nextSize();
      if (size === undefined) return;
      request.left = size.batch;
      request.leftBytes = size.maxBytes ?? 0;
      request.sentMs = performance.now();
      this.#send(size, `${request.inbox}.${++request.number}`);
    }
  }

  /** To be called every second or more often: keeps the pin, and looks into a silence. */
  tick(): void {
    if (!this.#connection.connected) {
      this.#options.onState?.({ flowing: false, reason: "the server is away" });
      return;
    }
    const nowMs = performance.now();
    if (this.#ended || this.#retry !== undefined) return;
    // The word of its end was lost: the server serves it no more.
    const overMs = nowMs - this.#options.expiresMs - HEARTBEAT_MS;
    for (const request of this.#requests) if (request.left > 0 && request.sentMs < overMs) close(request);
    this.fill();
    // A message of no more than one byte there is not: this asks for nothing.
    if (this.#pin !== undefined && nowMs - this.#askedMs >= PIN_KEPT_MS)
      this.#send({ batch: 1, maxBytes: 1 }, this.#pinInbox);
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

  /** The consumer's state as the server tells it. Rejects with what the client throws. */
  async info<T extends object>(timeoutMs: number): Promise<T> {
    const answer = await this.#connection.nc.request(this.#apiSubject("INFO"), undefined, {
      timeout: timeoutMs,
    });
    return answer.json<T>();
  }

  /** Makes nothing anew any more; what is on its way still comes until {@link end}. */
  quiet(): void {
    this.#ended = true;
    this.#unlisten();
    clearTimeout(this.#retry);
  }

  end(): void {
    this.quiet();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #apiSubject(verb: "MSG.NEXT" | "INFO" | "UNPIN"): string {
    const { apiPrefix, stream, consumer } = this.#options;
    return `${apiPrefix}.CONSUMER.${verb}.${stream}.${consumer}`;
  }

  #canSend(): boolean {
    return this.#connection.connected && !this.#connection.nc.isClosed();
  }

  #send({ batch, maxBytes }: PullSize, reply: string): void {
    const { group, expiresMs } = this.#options;
    this.#askedMs = performance.now();
    const request = JSON.stringify({
      batch,
      expires: expiresMs * 1e6,
      idle_heartbeat: HEARTBEAT_MS * 1e6,
      ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
      ...(group === undefined ? {} : { group, ...(this.#pin === undefined ? {} : { id: this.#pin }) }),
    });
    this.#connection.nc.publish(this.#nextSubject, request, { reply });
  }

  /** Every request is lost: makes them anew. */
  #restart(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#heardMs = performance.now();
    for (const request of this.#requests) close(request);
    this.fill();
  }

  #restartLater(reason: string): void {
    if (this.#ended) return;
    this.#options.onState?.({ flowing: false, reason });
    this.#retry ??= setTimeout(() => this.#restart(), RETRY_MS);
  }

  #losePin(): void {
    if (this.#pin === undefined) return;
    this.#pin = undefined;
    this.#options.onPinLost?.();
    this.#restart();
  }

  #onMsg(request: Request, msg: Msg): void {
    this.#heardMs = performance.now();
    if (msg.subject.startsWith(request.inbox)) {
      // A status belongs to the request whose number ends its subject; that of an earlier one says nothing of this one.
      if (msg.subject !== `${request.inbox}.${request.number}`) return;
      if (msg.headers?.code !== 100) close(request);
      return this.#onStatus(msg);
    }
    if (this.#pin === undefined && this.#options.group !== undefined)
      this.#pin = msg.headers?.get("Nats-Pin-Id") || undefined;
    if (request.left > 0) {
      request.left--;
      request.leftBytes = Math.max(0, request.leftBytes - msg.data.length);
    }
    this.#options.onMessage(msg);
    if (request.left === 0) {
      request.leftBytes = 0;
      this.fill();
    }
  }

  #onStatus(msg: Msg): void {
    this.#heardMs = performance.now();
    const code = msg.headers?.code ?? 0;
    const description = msg.headers?.description ?? "";
    if (code === 100 || code === 404 || code === 408 || SERVED.test(description)) {
      this.#options.onState?.({ flowing: true });
      if (code !== 100) this.fill();
      return;
    }
    if (code === 423) return this.#losePin();
    if (/consumer deleted/i.test(description)) this.#options.onMissing();
    this.#restartLater(code === 503 ? "no server answers" : `${code} ${description}`);
  }

  /** A deleted consumer and a lost request are both just silence: ask which it is. */
  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const { stream, consumer, log, onMissing } = this.#options;
    try {
      const { error } = await this.info<{ error?: { code?: number; description?: string } }>(2000);
      if (this.#ended) return;
      if (error === undefined) return this.#restart();
      // Any other refusal passes: a server that reads its config has no JetStream for a moment.
      if (error.code === 404) {
        log.warn({ stream, consumer, error }, "consumer missing");
        onMissing();
      }
      this.#restartLater(error.description ?? "the consumer is missing");
    } catch (thrown) {
      this.#restartLater(MeshError.from(thrown, "unavailable", "the server does not answer").message);
    } finally {
      this.#probing = false;
    }
  }
}

function close(request: Request): void {
  request.left = 0;
  request.leftBytes = 0;
}
