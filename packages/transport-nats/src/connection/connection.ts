import { type Logger, MeshError } from "@adaos/core";
import { delay, inboxPrefix, messageOf, programText, randomId, within } from "@adaos/core/wire";
import { connect as dial, ErrorCode, Events, type NatsConnection, NatsError, nkeys } from "nats";
import { keyedIds, type MessageIds } from "../publish/message-ids.ts";
import { challengeSigner } from "./challenge.ts";
import { mendClient } from "./client-mends.ts";
import type { BoundedDialOptions } from "./server-bounds.ts";
import { isServerFault, ServerFaults } from "./server-faults.ts";
import { type ConnectionTls, dialTls, isEncrypted, tlsRefusal } from "./tls.ts";

export interface ConnectionOptions {
  /**
   * `nats://host:port` or `tls://host:port`. With `tls://` the client refuses a server without TLS, or one that it does
   * not trust.
   */
  readonly url: string;
  /** The other servers of its cluster, to be used while that one is away. */
  readonly others?: readonly string[];
  readonly tls?: ConnectionTls;
  /** Names the connection on the server, for example `alpha/kitchen`. */
  readonly name: string;
  /** The user whose private reply subjects to use: the node's name, as its rights on the server say. */
  readonly user: string;
  /** Seed of the user's nkey (`SU…`), never logged. Called at every connect, since the key may have changed by then. */
  readonly seed: string | (() => string);
  readonly log: Logger;
  /** Keep trying when the server is not there yet, as a daemon does; else reject after `timeoutMs`. @default false */
  readonly waitForServer?: boolean;
  /** @default 5000 */
  readonly timeoutMs?: number;
  /** Of many connections to one server, each waits by chance up to so long between attempts. @default 250 */
  readonly spreadMs?: () => number;
  /** Gives up waiting for a server; it does not affect a connection that is made. */
  readonly signal?: AbortSignal;
}

/** Events of its connection that a component may listen to. */
export interface ConnectionListener {
  onDisconnect?(): void;
  onReconnect?(): void;
  /** The server refused a publish to this subject; it reports that to nobody else. */
  onPublishDenied?(subject: string): void;
}

/** One connection to a nats-server, which reconnects for ever. Publishers and consumers share it. */
export interface Connection {
  readonly nc: NatsConnection;
  /** Makes the ids by which servers recognise what is published here: those of this node's key. */
  readonly ids: MessageIds;
  readonly connected: boolean;
  /** Servers of its cluster, each of which keeps every stream and durable. @default 1 */
  readonly servers?: number;
  /** How a server broke the protocol within the last minute, by which the connection was lost. @default undefined */
  readonly fault?: string | undefined;
  /** A prefix for reply subjects that nobody else has and nobody can predict. */
  newInbox(): string;
  listen(listener: ConnectionListener): () => void;
  /** Sends what is buffered, then disconnects. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Longest attempt, as long as a server gives a client to authenticate. Some attempts take all of it: a server that
 * reads its config drops clients that are connecting, and the client library notices only then.
 */
const ATTEMPT_MS = 2000;
/**
 * A server that reads its config knows no user for a moment. A refusal is final only after this time and several
 * attempts: a slow machine may make just two or three in it.
 */
const REFUSAL_MS = 1000;
const MIN_REFUSALS = 12;
const PAUSE_MS = 100;
/** Pause between attempts to reconnect, and by how much it is longer by chance. */
const RECONNECT_MS = 250;
const JITTER_MS = 250;
/** Longest wait for a server to take what is buffered. */
const FLUSH_MS = 1000;

/**
 * Connects. Rejects with MeshError `unavailable`, also when given up. Rejects with `denied` when the server does not
 * accept the key, or one side does not accept the other's certificate.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const {
    url,
    others = [],
    name,
    user,
    seed,
    log,
    waitForServer = false,
    timeoutMs = 5000,
    spreadMs = () => JITTER_MS,
    signal,
  } = options;
  mendClient();
  // The client library makes its own reply subjects below this, with a generator that can be predicted.
  const inbox = `${inboxPrefix(user)}.${randomId()}`;
  const faults = new ServerFaults();
  let nc: NatsConnection;
  try {
    // The client's own wait cannot be given up, and goes on for ever with a server that is not trusted.
    const waits = waitForServer && (signal !== undefined || isEncrypted(url));
    nc = await dialPatiently(
      { timeoutMs, waits, signal, url, faults },
      {
        servers: [url, ...others],
        // The first is the nearest. Of further ones a server would tell only addresses, without names for certificates.
        noRandomize: true,
        ignoreClusterUpdates: true,
        ...dialTls(url, options.tls),
        // Shown by the server's list of connections.
        name: `${name} adaos/${programText()}`,
        inboxPrefix: inbox,
        authenticator: challengeSigner(steadySeed(seed, log)),
        timeout: Math.min(timeoutMs, ATTEMPT_MS),
        waitOnFirstConnect: waitForServer && !waits,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_MS,
        reconnectDelayHandler: () =>
          RECONNECT_MS + faults.pauseMs() + Math.random() * Math.max(JITTER_MS, spreadMs()),
        onFault: (err) => {
          faults.note(err);
          log.warn({ server: url, err }, "connection closed for what the server sent");
        },
        // A refusal may be a server that is still reading its new config: keep trying.
        ignoreAuthErrorAbort: true,
        // A stack trace for each request, made in case it fails, took a tenth of the processor time of an idle hub.
        noAsyncTraces: true,
        pingInterval: 5000,
        maxPingOut: 2,
      },
    );
  } catch (cause) {
    throw connectError(cause, options);
  }
  const ids = keyedIds(typeof seed === "string" ? seed : seed());
  return new NatsLink(nc, inbox, ids, { servers: 1 + others.length, faults, log });
}

/**
 * The current seed. While it cannot be read, or is half written, as in the moment in which a key is replaced by hand,
 * the one before: the client library gives a connection up for good when it gets none.
 */
function steadySeed(seed: ConnectionOptions["seed"], log: Logger): () => string {
  if (typeof seed === "string") return () => seed;
  let last: string | undefined;
  return () => {
    try {
      const read = seed();
      nkeys.fromSeed(new TextEncoder().encode(read));
      last = read;
    } catch (err) {
      if (last === undefined) throw err;
      log.warn({ err }, "key cannot be read, the one before is used");
    }
    return last;
  };
}

interface Patience {
  readonly timeoutMs: number;
  readonly waits: boolean;
  readonly signal: AbortSignal | undefined;
  readonly url: string;
  readonly faults: ServerFaults;
}

/** Dials again when an attempt failed for a reason that may pass in a moment. Rejects with what the client throws. */
async function dialPatiently(
  { timeoutMs, waits, signal, url, faults }: Patience,
  options: BoundedDialOptions,
): Promise<NatsConnection> {
  const startedMs = Date.now();
  for (let refusals = 0; ; await delay(PAUSE_MS + faults.pauseMs(), signal)) {
    try {
      return await dial(options);
    } catch (thrown) {
      if (!isServerFault(thrown) && tlsRefusal(thrown, url) !== undefined) throw thrown;
      if (signal?.aborted === true) throw thrown;
      const code = thrown instanceof NatsError ? thrown.code : undefined;
      const passedMs = Date.now() - startedMs;
      if (isRefusal(thrown)) {
        if (++refusals >= MIN_REFUSALS && passedMs >= REFUSAL_MS) throw thrown;
      } else if (!waits && (code !== ErrorCode.Timeout || passedMs >= timeoutMs)) {
        // Who waits goes on: no server is there yet, or it is slow to answer.
        throw thrown;
      }
    }
  }
}

/** Whether the server refused a connection because it does not know its key. */
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
  // A server that does not trust a certificate completes the handshake, then hangs up without an error.
  const hint =
    tls?.certFile === undefined ? "is the mesh up?" : "is the mesh up, and of the CA of our certificate?";
  return new MeshError("unavailable", `no nats-server answers at ${url}: ${messageOf(cause)}; ${hint}`, {
    cause,
  });
}

/** Whether several servers keep each stream and durable that a connection leads to. */
export function isCluster({ servers = 1 }: Pick<Connection, "servers">): boolean {
  return servers > 1;
}

class NatsLink implements Connection {
  readonly nc: NatsConnection;
  readonly ids: MessageIds;
  connected = true;
  readonly servers: number;
  readonly #inbox: string;
  #inboxes = 0;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #log: Logger;
  readonly #faults: ServerFaults;
  #closing: Promise<void> | undefined;

  constructor(
    nc: NatsConnection,
    inbox: string,
    ids: MessageIds,
    {
      servers,
      faults,
      log,
    }: { readonly servers: number; readonly faults: ServerFaults; readonly log: Logger },
  ) {
    this.#faults = faults;
    this.nc = nc;
    this.servers = servers;
    this.ids = ids;
    this.#inbox = inbox;
    this.#log = log;
    void this.#watch();
  }

  get fault(): string | undefined {
    return this.#faults.recent();
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
    // Flush first: acknowledgements of the last moment save redeliveries. A server that is away must not delay the
    // close.
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
