import { readFileSync } from "node:fs";
import { MeshError } from "@adaos/core";
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type JetStreamClient,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
  headers as newHeaders,
} from "nats";

/** A NATS server that is not of the mesh. */
export interface ForeignServer {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  /** Nothing where the server has no JetStream, or none for us. */
  readonly manager: JetStreamManager | undefined;
}

export interface ForeignOptions {
  readonly url: string;
  /** File with JWT and seed, as `nsc` writes it. */
  readonly creds?: string | undefined;
}

/** Connects, and again whenever the connection is lost. Rejects with `unavailable` or `invalid-config`. */
export async function openForeignServer(
  { url, creds }: ForeignOptions,
  name: string,
): Promise<ForeignServer> {
  const options: ConnectionOptions = {
    servers: url,
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    timeout: 5000,
  };
  if (creds !== undefined) options.authenticator = credsAuthenticator(bytesOf(creds));
  let nc: NatsConnection;
  try {
    nc = await connect(options);
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `the server at --url did not take the connection`);
  }
  const js = nc.jetstream({ timeout: 5000 });
  try {
    return { nc, js, manager: await nc.jetstreamManager({ timeout: 5000 }) };
  } catch {
    return { nc, js, manager: undefined };
  }
}

/** The stream that stores a subject there, or nothing. */
export async function streamOf({ manager }: ForeignServer, subject: string): Promise<string | undefined> {
  try {
    return await manager?.streams.find(subject);
  } catch (thrown) {
    if (thrown instanceof Error && /no stream matches subject/i.test(thrown.message)) return undefined;
    throw MeshError.from(thrown, "unavailable", `the server at --url does not tell what stores ${subject}`);
  }
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
