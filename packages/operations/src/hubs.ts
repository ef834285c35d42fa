import { readServerAccess } from "@adaos/config";
import { MeshError, type MeshErrorCode } from "@adaos/core";
import { messageOf, ROOT_DOMAIN } from "@adaos/core/wire";
import { type Layout, noServer, type ServerLayout } from "@adaos/provision";
import { type Connection, type ConnectionOptions, openConnection } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** A server of the mesh, with the rights of the daemon beside it. */
export interface OpenServer {
  /** The subnet, or `root`. */
  readonly of: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
}

/** A server that is away must not delay the answers of the others. */
const ANSWER_MS = 2000;
/** Where something is to be done at each. */
const PATIENT_MS = 5000;
/** The errors of a server, or the daemon beside it, that is down or hangs. */
const AWAY: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout"]);

/** Connects. Rejects with `unavailable` or `denied`. */
function openServer(server: ServerLayout, timeoutMs: number): Promise<OpenServer> {
  return openWith(server, { timeoutMs });
}

/**
 * Connects, once the server is there. The caller closes the connection. Rejects with `denied`, or with `unavailable`
 * once given up.
 */
export function openWhenThere(server: ServerLayout, signal: AbortSignal): Promise<OpenServer> {
  return openWith(server, { waitForServer: true, signal });
}

async function openWith(
  server: ServerLayout,
  patience: Pick<ConnectionOptions, "timeoutMs" | "waitForServer" | "signal">,
): Promise<OpenServer> {
  const silent = (): void => undefined;
  const connection = await openConnection({
    ...readServerAccess(server),
    name: "adaos events",
    user: "operator",
    log: { debug: silent, info: silent, warn: silent, error: silent },
    ...patience,
  });
  return { of: server.of, connection, jsm: await connection.nc.jetstreamManager({ checkAPI: false }) };
}

/** A server that cannot be asked, and why. */
export interface AwayServer {
  readonly of: string;
  readonly reason: string;
}

interface RefusedServer extends AwayServer {
  readonly error: MeshError;
}

/** Runs `use` with all of these servers that answer, at the same time. Rejects with the errors of `use`. */
export async function withAnswering<T>(
  servers: readonly ServerLayout[],
  use: (open: readonly OpenServer[], away: readonly RefusedServer[]) => Promise<T>,
  answerMs: number = ANSWER_MS,
): Promise<T> {
  const tried = await Promise.all(servers.map((server) => tryOpen(server, answerMs)));
  const open = tried.filter((server) => "jsm" in server);
  const away = tried.filter((server) => "error" in server);
  try {
    return await use(open, away);
  } finally {
    await Promise.all(open.map(({ connection }) => connection.close()));
  }
}

/** Runs `use` with each of these servers in turn. Rejects where one is away, before it is run with any. */
export function withServers(
  servers: readonly ServerLayout[],
  use: (server: OpenServer) => Promise<void>,
): Promise<void> {
  const run = async (open: readonly OpenServer[], [away]: readonly RefusedServer[]): Promise<void> => {
    if (away !== undefined) throw away.error;
    for (const server of open)
      await use(server).catch((thrown: unknown) => Promise.reject(namedError(server, thrown)));
  };
  return withAnswering(servers, run, PATIENT_MS);
}

/**
 * Runs `use` with each of these servers in turn that answers. Resolves with those that do not, or have fallen silent
 * meanwhile; rejects with any other error.
 */
export function withEach(
  servers: readonly ServerLayout[],
  use: (server: OpenServer) => Promise<void>,
): Promise<readonly RefusedServer[]> {
  const run = async (
    open: readonly OpenServer[],
    away: readonly RefusedServer[],
  ): Promise<readonly RefusedServer[]> => {
    const silent = [...away];
    for (const { error } of away) if (!AWAY.has(error.code)) throw error;
    for (const server of open) {
      try {
        await use(server);
      } catch (thrown) {
        const silenced = refused(server, thrown);
        if (!AWAY.has(silenced.error.code)) throw silenced.error;
        silent.push(silenced);
      }
    }
    return silent;
  };
  return withAnswering(servers, run, PATIENT_MS);
}

async function tryOpen(server: ServerLayout, answerMs: number): Promise<OpenServer | RefusedServer> {
  try {
    return await openServer(server, answerMs);
  } catch (thrown) {
    return refused(server, thrown);
  }
}

function refused(server: { readonly of: string }, thrown: unknown): RefusedServer {
  return { of: server.of, reason: messageOf(thrown), error: namedError(server, thrown) };
}

/** Names in the error the server that is away. */
function namedError({ of }: { readonly of: string }, thrown: unknown): MeshError {
  const error = MeshError.from(thrown, "unavailable", "its streams cannot be read");
  return AWAY.has(error.code)
    ? new MeshError(error.code, `${of}: ${error.message}`, { cause: error })
    : error;
}

/** The hub servers of these subnets; of all when none is named. Throws `usage`. */
export function hubServers(layout: Layout, subnet: string | undefined): readonly ServerLayout[] {
  const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const wanted = hubs.filter(({ of }) => subnet === undefined || of === subnet);
  if (wanted.length > 0) return wanted;
  throw noServer(layout, subnet, hubs);
}
