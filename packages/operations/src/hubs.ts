import { readServerAccess } from "@adaos/config";
import { MeshError, type MeshErrorCode } from "@adaos/core";
import { messageOf, ROOT_DOMAIN } from "@adaos/core/wire";
import { type Layout, noServer, type ServerLayout } from "@adaos/provision";
import { type Connection, openConnection } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";

/** A server of the mesh, with the rights of the daemon beside it. */
export interface OpenServer {
  /** The subnet, or `root`. */
  readonly of: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
}

/** Who is away must not hold up what the others tell. */
const ANSWER_MS = 2000;
/** Of a server, or the daemon beside it, that is down or hangs. */
export const AWAY: ReadonlySet<MeshErrorCode> = new Set(["unavailable", "timeout"]);

/** Connects. Rejects with `unavailable` or `denied`. */
async function openServer(server: ServerLayout, timeoutMs?: number): Promise<OpenServer> {
  const silent = (): void => undefined;
  const connection = await openConnection({
    ...readServerAccess(server),
    name: "adaos events",
    user: "operator",
    log: { debug: silent, info: silent, warn: silent, error: silent },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  return { of: server.of, connection, jsm: await connection.nc.jetstreamManager({ checkAPI: false }) };
}

/** Runs `use` with each of these servers in turn. Whose server is away, says the error. */
export async function withServers(
  servers: readonly ServerLayout[],
  use: (server: OpenServer) => Promise<void>,
): Promise<void> {
  for (const server of servers) {
    try {
      await withServer(server, use);
    } catch (thrown) {
      const error = MeshError.from(thrown, "unavailable", "its streams cannot be read");
      if (!AWAY.has(error.code)) throw error;
      throw new MeshError(error.code, `${server.of}: ${error.message}`, { cause: thrown });
    }
  }
}

/** A server that cannot be asked, and why. */
export interface AwayServer {
  readonly of: string;
  readonly reason: string;
}

/** Runs `use` with all of these servers that answer, at the same time. Rejects with what `use` rejects with. */
export async function withAnswering<T>(
  servers: readonly ServerLayout[],
  use: (open: readonly OpenServer[], away: readonly AwayServer[]) => Promise<T>,
): Promise<T> {
  const open: OpenServer[] = [];
  const away: AwayServer[] = [];
  const opening = servers.map(async (server) => {
    try {
      open.push(await openServer(server, ANSWER_MS));
    } catch (thrown) {
      away.push({ of: server.of, reason: messageOf(thrown) });
    }
  });
  await Promise.all(opening);
  try {
    return await use(open, away);
  } finally {
    await Promise.all(open.map(({ connection }) => connection.close()));
  }
}

async function withServer(server: ServerLayout, use: (server: OpenServer) => Promise<void>): Promise<void> {
  const open = await openServer(server);
  try {
    await use(open);
  } finally {
    await open.connection.close();
  }
}

/** The hub servers of these subnets; of all when none is named. Throws `usage`. */
export function hubServers(layout: Layout, subnet: string | undefined): readonly ServerLayout[] {
  const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const wanted = hubs.filter(({ of }) => subnet === undefined || of === subnet);
  if (wanted.length > 0) return wanted;
  throw noServer(layout, subnet, hubs);
}
