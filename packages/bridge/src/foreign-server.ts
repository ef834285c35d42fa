import { readFileSync } from "node:fs";
import { isLoopback } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { type ConnectionTls, dialTls, isEncrypted, tlsRefusal } from "@adaos/transport-nats";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  ErrorCode,
  type JetStreamClient,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  headers as newHeaders,
} from "nats";

/** A NATS server outside the mesh. */
export interface ForeignServer {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  /** Undefined where the server has no JetStream, or none for this account. */
  readonly manager: JetStreamManager | undefined;
}

export interface ForeignOptions {
  /**
   * `nats://host:port` or `tls://host:port`. With `tls://` a server without TLS, or with an untrusted certificate,
   * is refused.
   */
  readonly url: string;
  /** With `tls://`. */
  readonly tls?: ConnectionTls;
  /** The user allowed a server on another machine without TLS. */
  readonly allowPlain?: boolean;
  /** File with JWT and seed, as `nsc` writes it. */
  readonly creds?: string | undefined;
}

const TIMEOUT_MS = 5000;

/**
 * Connects, and reconnects whenever the connection is lost. Rejects with `usage`, `unavailable`, `invalid-config`,
 * or `denied` where one side refuses the other's certificate.
 */
export async function openForeignServer(foreign: ForeignOptions, name: string): Promise<ForeignServer> {
  assertMayDial(foreign);
  const { url, tls, creds, allowPlain = false } = foreign;
  const options: ConnectionOptions = {
    servers: url,
    ...dialTls(url, tls),
    // The user neither named nor allowed the other servers of the cluster.
    ignoreClusterUpdates: !isEncrypted(url) && !allowPlain,
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    timeout: TIMEOUT_MS,
  };
  if (creds !== undefined) options.authenticator = credsAuthenticator(bytesOf(creds));
  let nc: NatsConnection;
  try {
    nc = await connect(options);
  } catch (cause) {
    const refusal = tlsRefusal(cause, url, "--ca");
    throw refusal ?? MeshError.from(cause, "unavailable", `the server at --url did not take the connection`);
  }
  const js = nc.jetstream({ timeout: TIMEOUT_MS });
  try {
    return { nc, js, manager: await nc.jetstreamManager({ timeout: TIMEOUT_MS }) };
  } catch (cause) {
    // A server that does not answer may have streams: going on without them would lose their messages.
    if (cause instanceof NatsError && cause.code === ErrorCode.JetStreamNotEnabled)
      return { nc, js, manager: undefined };
    await nc.close();
    throw MeshError.from(cause, "unavailable", "the server at --url does not tell whether it has JetStream");
  }
}

function assertMayDial({ url, tls, allowPlain = false }: ForeignOptions): void {
  if (!/^(nats|tls):\/\/[^\s@/]+$/.test(url) || !URL.canParse(url))
    throw new MeshError("usage", "--url must be nats://host:port or tls://host:port without a password");
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined))
    throw new MeshError("usage", "--cert and --key go together");
  const isPlain = !isEncrypted(url);
  if (isPlain && Object.values(tls ?? {}).some((file) => file !== undefined))
    throw new MeshError("usage", "--ca, --cert and --key need --url tls://host:port");
  if (!isPlain || allowPlain || isLoopback(new URL(url).hostname)) return;
  throw new MeshError(
    "usage",
    "events would leave this machine in the clear; write --url tls://host:port, or say --allow-plain if the network is protected otherwise",
  );
}

/** The stream that stores a subject, or undefined. Rejects with `usage` where there are several. */
export async function streamOf({ manager }: ForeignServer, subject: string): Promise<string | undefined> {
  let names: readonly string[];
  try {
    names = (await manager?.streams.names(subject).next()) ?? [];
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `the server at --url does not tell what stores ${subject}`);
  }
  if (names.length > 1)
    throw new MeshError(
      "usage",
      `the streams ${names.join(", ")} hold ${subject}; name a subject of one of them`,
    );
  return names[0];
}

export function headersOf(headers: MsgHdrs | undefined): Record<string, string> {
  const entries = headers === undefined ? [] : [...headers];
  return Object.fromEntries(entries.map(([name, [value = ""]]) => [name, value]));
}

export function toHeaders(headers: Readonly<Record<string, string>>): MsgHdrs {
  const made = newHeaders();
  for (const [name, value] of Object.entries(headers)) made.set(name, value);
  return made;
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} cannot be read`);
  }
}
