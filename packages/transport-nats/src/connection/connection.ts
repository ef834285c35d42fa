import { type Logger, MeshError } from "@adaos/core";
import { delay, inboxPrefix, messageOf, randomId, within } from "@adaos/core/wire";
import {
  type ConnectionOptions as DialOptions,
  connect as dial,
  ErrorCode,
  Events,
  type NatsConnection,
  NatsError,
  nkeyAuthenticator,
} from "nats";
import { keyedIds, type MessageIds } from "../publish/message-ids.ts";
import { mendClient } from "./client-mends.ts";
import { type ConnectionTls, dialTls, isEncrypted, tlsRefusal } from "./tls.ts";

export interface ConnectionOptions {
  /** `nats://host:port`, or `tls://host:port`: then a server without TLS, or one that is not trusted, is refused. */
  readonly url: string;
  readonly tls?: ConnectionTls;
  /** Names the connection on the server, for example `alpha/kitchen`. */
  readonly name: string;
  /** Whose private reply subjects to use: the node's name, as its rights on the server say. */
  readonly user: string;
  /** Seed of the user's nkey (`SU…`), never logged. Asked for at every connect: it may be another one then. */
  readonly seed: string | (() => string);
  readonly log: Logger;
  /** Keep trying when the server is not there yet, as a daemon does; else reject after `timeoutMs`. @default false */
  readonly waitForServer?: boolean;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Gives up waiting for a server; the connection that is made is not concerned. */
  readonly signal?: AbortSignal;
}

/** What a part may want to hear of its connection. */
export interface ConnectionListener {
  onDisconnect?(): void;
  onReconnect?(): void;
  /** The server refused a publish to this subject; it tells nobody else. */
  onPublishDenied?(subject: string): void;
}

/** One connection to a nats-server that reconnects for ever, shared by publishers and consumers. */
export interface Connection {
  readonly nc: NatsConnection;
  /** By which servers know what is published here: those of this node's key. */
  readonly ids: MessageIds;
  readonly connected: boolean;
  /** A prefix for reply subjects that nobody else has and nobody can foresee. */
  newInbox(): string;
  listen(listener: ConnectionListener): () => void;
  /** Sends what is buffered, then disconnects. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Longest attempt, as long as a server gives a client to say who it is. It is not rare that one takes it all: a server
 * that reads its config drops who is just connecting, and the client library takes no note of it until then.
 */
const ATTEMPT_MS = 2000;
/**
 * A server that reads its config knows nobody for a moment. Refusals that outlast this, and that are not just two or
 * three on a machine with little time, are meant.
 */
const REFUSAL_MS = 1000;
const MIN_REFUSALS = 12;
const PAUSE_MS = 100;
/** Longest wait for a server to take what is buffered. */
const FLUSH_MS = 1000;

/**
 * Connects. Rejects with MeshError `unavailable`, also when given up, or `denied` when the server does not take the key
 * or one side does not take the other's certificate.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { url, name, user, seed, log, waitForServer = false, timeoutMs = 5000, signal } = options;
  mendClient();
  // The client library makes its own reply subjects below this, and by a generator that can be foreseen.
  const inbox = `${inboxPrefix(user)}.${randomId()}`;
  let nc: NatsConnection;
  try {
    // The client's own wait cannot be given up, and goes on for ever with a server that is not trusted.
    const waits = waitForServer && (signal !== undefined || isEncrypted(url));
    nc = await dialPatiently(
      { timeoutMs, waits, signal, url },
      {
        servers: url,
        ...dialTls(url, options.tls),
        name,
        inboxPrefix: inbox,
        authenticator: nkeyAuthenticator(() =>
          new TextEncoder().encode(typeof seed === "string" ? seed : seed()),
        ),
        timeout: Math.min(timeoutMs, ATTEMPT_MS),
        waitOnFirstConnect: waitForServer && !waits,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        // A refusal may be a server that is still reading its new config: keep trying.
        ignoreAuthErrorAbort: true,
        // A stack for each request, made in case it fails, was a tenth of what a hub at rest did.
        noAsyncTraces: true,
        pingInterval: 5000,
        maxPingOut: 2,
      },
    );
  } catch (cause) {
    throw connectError(cause, options);
  }
  return new NatsLink(nc, inbox, keyedIds(typeof seed === "string" ? seed : seed()), log);
}

interface Patience {
  readonly timeoutMs: number;
  readonly waits: boolean;
  readonly signal: AbortSignal | undefined;
  readonly url: string;
}

/**
 * Dials again when an attempt failed for a reason that may be over in a moment. Rejects with what the client throws.
 */
async function dialPatiently(
  { timeoutMs, waits, signal, url }: Patience,
  options: DialOptions,
): Promise<NatsConnection> {
  const startedMs = Date.now();
  for (let refusals = 0; ; await delay(PAUSE_MS, signal)) {
    try {
      return await dial(options);
    } catch (thrown) {
      if (tlsRefusal(thrown, url) !== undefined) throw thrown;
      const code = thrown instanceof NatsError ? thrown.code : undefined;
      const passedMs = Date.now() - startedMs;
      if (isRefusal(thrown)) {
        if (++refusals >= MIN_REFUSALS && passedMs >= REFUSAL_MS) throw thrown;
      } else if (waits) {
        // There is no server yet, or it takes its time.
        if (signal?.aborted === true) throw thrown;
      } else if (code !== ErrorCode.Timeout || passedMs >= timeoutMs) {
        throw thrown;
      }
    }
  }
}

/** Whether a connection was refused since the server does not know its key. */
export function isKeyRefused(thrown: unknown): boolean {
  return thrown instanceof MeshError && isRefusal(thrown.cause);
}

function isRefusal(cause: unknown): boolean {
  return cause instanceof NatsError && cause.code === ErrorCode.AuthorizationViolation;
}

function connectError(cause: unknown, { url, name, tls }: ConnectionOptions): MeshError {
  if (isRefusal(cause)) {
    return new MeshError("denied", `the server at ${url} does not know the key of ${name}`, { cause });
  }
  const refusal = tlsRefusal(cause, url);
  if (refusal !== undefined) return refusal;
  // A server that does not trust a certificate takes the handshake, hangs up and says nothing.
  const hint =
    tls?.certFile === undefined ? "is the mesh up?" : "is the mesh up, and of the CA of our certificate?";
  return new MeshError("unavailable", `no nats-server answers at ${url}: ${messageOf(cause)}; ${hint}`, {
    cause,
  });
}

class NatsLink implements Connection {
  readonly nc: NatsConnection;
  readonly ids: MessageIds;
  connected = true;
  readonly #inbox: string;
  #inboxes = 0;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #log: Logger;
  #closing: Promise<void> | undefined;

  constructor(nc: NatsConnection, inbox: string, ids: MessageIds, log: Logger) {
    this.nc = nc;
    this.ids = ids;
    this.#inbox = inbox;
    this.#log = log;
    void this.#watch();
  }

  newInbox(): string {
    return `${this.#inbox}.${this.#inboxes++}`;
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Flush first: acknowledgements of the last moment save redeliveries. A server that is away must not hold us up.
    if (this.connected) {
      const flushing = this.nc.flush().catch(() => undefined);
      await within(flushing, FLUSH_MS);
    }
    await this.nc.close();
  }

  async #watch(): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === Events.Disconnect) {
        this.connected = false;
        this.#log.warn({ server: status.data }, "server disconnected");
        for (const listener of this.#listeners) listener.onDisconnect?.();
      } else if (status.type === Events.Reconnect) {
        this.connected = true;
        this.#log.info({ server: status.data }, "server reconnected");
        for (const listener of this.#listeners) listener.onReconnect?.();
      } else if (status.type === Events.Error) {
        const refused = status.permissionContext;
        this.#log.warn({ error: status.data, ...refused }, "server error");
        if (refused?.operation !== "publish") continue;
        for (const listener of this.#listeners) listener.onPublishDenied?.(refused.subject);
      }
    }
  }
}
