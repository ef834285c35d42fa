import { MAX_PAYLOAD_BYTES } from "@adaos/core/wire";
import type { Connection, ConnectionListener, MessageIds } from "@adaos/transport-nats";
import {
  type Msg,
  type MsgHdrs,
  MsgHdrsImpl,
  type NatsConnection,
  headers as newHeaders,
  type Payload,
  type PublishOptions,
  type RequestOptions,
  type Subscription,
  type SubscriptionOptions,
} from "nats";
import { filterMatches } from "./nats-wildcards.ts";

/** A sent message, copied at that moment: clients reuse their header objects. */
export interface Sent {
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reply: string | undefined;
  /** Size of headers and body. */
  readonly bytes: number;
}

/** The server at the other end of a {@link ConnectionStandIn}. */
export interface ServerStandIn {
  onMessage(message: Sent): void;
  /** The client's connection has broken. */
  onDisconnect?(): void;
  /** Answers a request with a value for JSON, or with headers alone, or throws the request's error. */
  onRequest?(subject: string, text: string): unknown;
}

/** Time of a message from one end to the other. */
export const WIRE_MS = 1;

interface Listening {
  readonly pattern: string;
  readonly callback: NonNullable<SubscriptionOptions["callback"]>;
}

/**
 * A connection whose server is an object of the test. Messages take {@link WIRE_MS} each way, in order; messages in
 * flight are lost when the connection breaks, as on a real one. For fake timers.
 */
export class ConnectionStandIn implements Connection {
  /** No test is hostile here: ids stay as they are. */
  readonly ids: MessageIds = { of: (_subject, eventId, salt = "") => `${eventId}${salt}` };
  readonly nc: NatsConnection;
  readonly sent: Sent[] = [];
  /** Time of a message each way, without its size. */
  wireMs = WIRE_MS;
  /** Rate of the line to the server. */
  bytesPerMs = Number.POSITIVE_INFINITY;
  /** Rate of the line from the server. */
  inBytesPerMs = Number.POSITIVE_INFINITY;
  connected = true;
  closed = false;
  server: ServerStandIn | undefined;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #subscriptions = new Set<Listening>();
  /** Messages that arrive with the newest timer. */
  #arriving: { readonly atMs: number; readonly all: (() => void)[] } | undefined;
  /** Counts connections, so that messages of an earlier one do not arrive. */
  #era = 0;
  #inboxes = 0;
  /** Time at which the line has carried all sent bytes. */
  #freeMs = 0;
  #inFreeMs = 0;

  constructor() {
    const nc: Partial<NatsConnection> = {
      publish: (subject, payload, options) => this.#publish(subject, payload, options),
      subscribe: (pattern, options) => this.#subscribe(pattern, options),
      request: (subject, payload, options) => this.#request(subject, payload, options),
      isClosed: () => this.closed,
    };
    // The tested code uses nothing else of the client library.
    this.nc = Object.assign(nc, { info: { max_payload: MAX_PAYLOAD_BYTES } }) as unknown as NatsConnection;
  }

  newInbox(): string {
    return `_INBOX_kitchen.1.${this.#inboxes++}`;
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.connected = false;
  }

  /** Open listeners and subscriptions: a leak shows here. */
  get open(): { listeners: number; subscriptions: number } {
    return { listeners: this.#listeners.size, subscriptions: this.#subscriptions.size };
  }

  disconnect(): void {
    if (!this.connected) return;
    this.connected = false;
    this.#era++;
    this.#freeMs = 0;
    this.#inFreeMs = 0;
    this.server?.onDisconnect?.();
    for (const listener of [...this.#listeners]) listener.onDisconnect?.();
  }

  reconnect(): void {
    if (this.connected || this.closed) return;
    this.connected = true;
    for (const listener of [...this.#listeners]) listener.onReconnect?.();
  }

  /** Reports a refused publish, as a server does. */
  denyPublish(subject: string): void {
    this.#later(() => {
      for (const listener of [...this.#listeners]) listener.onPublishDenied?.(subject);
    });
  }

  /** Sends a JSON answer to an inbox of the client. */
  answer(inbox: string, content: object): void {
    this.deliver(inbox, { subject: inbox, text: JSON.stringify(content) });
  }

  /** Sends a bare status to an inbox of the client. */
  status(inbox: string, code: number, description: string): void {
    this.deliver(inbox, { subject: inbox, text: "", headers: newHeaders(code, description) });
  }

  /** Sends a message through an inbox of the client, as for a pull: its subject may differ. */
  deliver(
    inbox: string,
    message: { subject: string; text: string; headers?: MsgHdrs | undefined; reply?: string },
  ): void {
    this.#later(() => {
      for (const { pattern, callback } of [...this.#subscriptions]) {
        if (filterMatches(pattern, inbox)) callback(null, this.#msg(message));
      }
    }, this.#broughtInMs(message.text.length) + this.wireMs);
  }

  #broughtInMs(bytes: number): number {
    if (this.inBytesPerMs === Number.POSITIVE_INFINITY) return 0;
    const nowMs = Date.now();
    this.#inFreeMs = Math.max(this.#inFreeMs, nowMs) + bytes / this.inBytesPerMs;
    return this.#inFreeMs - nowMs;
  }

  /** After the time on the wire, unless the connection breaks meanwhile. */
  #later(arrive: () => void, inMs: number = this.wireMs): void {
    const era = this.#era;
    const atMs = Date.now() + inMs;
    const unlessBroken = (): void => {
      if (era === this.#era && this.connected) arrive();
    };
    // One timer for all messages of the same arrival time: thousands of fake timers are slow.
    if (this.#arriving?.atMs === atMs) {
      this.#arriving.all.push(unlessBroken);
      return;
    }
    const arriving = { atMs, all: [unlessBroken] };
    this.#arriving = arriving;
    setTimeout(() => {
      if (this.#arriving === arriving) this.#arriving = undefined;
      for (const one of arriving.all) one();
    }, inMs);
  }

  #publish(subject: string, payload: Payload = "", options: PublishOptions = {}): void {
    if (this.closed) throw new Error("CONNECTION_CLOSED");
    // In their encoded form.
    const encoded = (options.headers as MsgHdrsImpl | undefined)?.encode();
    const headers: Record<string, string> = {};
    if (encoded !== undefined)
      for (const [key, [value = ""]] of MsgHdrsImpl.decode(encoded)) headers[key] = value;
    const bytes = payload.length + (encoded?.length ?? 0);
    const message = { subject, text: textOf(payload), headers, reply: options.reply, bytes };
    this.sent.push(message);
    if (this.connected)
      this.#later(() => this.server?.onMessage(message), this.#carriedInMs(bytes) + this.wireMs);
  }

  #carriedInMs(bytes: number): number {
    if (this.bytesPerMs === Number.POSITIVE_INFINITY) return 0;
    const nowMs = Date.now();
    this.#freeMs = Math.max(this.#freeMs, nowMs) + bytes / this.bytesPerMs;
    return this.#freeMs - nowMs;
  }

  #subscribe(pattern: string, { callback }: SubscriptionOptions = {}): Subscription {
    if (callback === undefined) throw new Error("only callbacks here");
    const listening: Listening = { pattern, callback };
    this.#subscriptions.add(listening);
    const subscription: Partial<Subscription> = {
      unsubscribe: () => void this.#subscriptions.delete(listening),
    };
    return subscription as Subscription;
  }

  #request(subject: string, payload: Payload = "", options?: RequestOptions): Promise<Msg> {
    const text = textOf(payload);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("TIMEOUT")), options?.timeout ?? 1000);
      this.#later(() => {
        if (this.server?.onRequest === undefined) return;
        try {
          const answer = this.server.onRequest(subject, text);
          if (answer === undefined) return;
          const msg =
            answer instanceof MsgHdrsImpl
              ? { subject: "answer", text: "", headers: answer }
              : { subject: "answer", text: JSON.stringify(answer) };
          this.#later(() => {
            clearTimeout(timer);
            resolve(this.#msg(msg));
          }, this.#broughtInMs(msg.text.length) + this.wireMs);
        } catch (thrown) {
          clearTimeout(timer);
          reject(thrown);
        }
      });
    });
  }

  #msg(message: { subject: string; text: string; headers?: MsgHdrs | undefined; reply?: string }): Msg {
    return msgOf(message, (reply, payload) => this.#publish(reply, payload));
  }
}

function textOf(payload: Payload): string {
  return typeof payload === "string" ? payload : new TextDecoder().decode(payload);
}

/** A message as the client library hands it over. */
export function msgOf(
  {
    subject,
    text,
    headers,
    reply,
  }: { subject: string; text: string; headers?: MsgHdrs | undefined; reply?: string | undefined },
  respond: (reply: string, payload: Payload | undefined) => void = () => undefined,
): Msg {
  return {
    subject,
    sid: 1,
    data: new TextEncoder().encode(text),
    ...(reply === undefined ? {} : { reply }),
    ...(headers === undefined ? {} : { headers }),
    respond: (payload) => {
      if (reply === undefined) return false;
      respond(reply, payload);
      return true;
    },
    json: <T>() => JSON.parse(text) as T,
    string: () => text,
  };
}
