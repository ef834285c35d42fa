import { nodeFilePath, nodeId, readNodeFile, readSeed } from "@adaos/config";
import type { TransportHarness, TransportTraits } from "@adaos/conformance";
import type { Logger, Message, Transport } from "@adaos/core";
import { eventsStream, MAX_EVENT_BYTES, type NodeAddress } from "@adaos/core/wire";
import { ACK_WAIT_MS, type Connection, NatsTransport, openConnection } from "@adaos/transport-nats";
import { leftovers, type TestMesh, until } from "../kit/mesh.ts";

/** Some of these tests lose connections on purpose; the log need not report each. */
const QUIET: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Abilities of JetStream, independent of the places of publisher and subscriber. */
export const NATS_TRAITS = {
  survivesRestart: true,
  enforcesRights: true,
  ackWaitMs: ACK_WAIT_MS,
  /** Headers count too. */
  refusedBodyBytes: MAX_EVENT_BYTES,
} as const satisfies Partial<TransportTraits>;

const connections = new WeakMap<Transport, Connection>();

/** The suite's access to a mesh of real servers. */
export function natsHarness(
  mesh: () => TestMesh,
  about: Pick<TransportHarness, "traits" | "publishers" | "subscribers" | "duplicateWindowMs">,
): TransportHarness {
  const sides = { publisher: about.publishers[0].subnet, subscriber: about.subscribers[0].subnet };
  return {
    ...about,
    prefix: "conformance.",
    forbidden: "forbidden.door.opened",
    limitMs: 20_000,
    longestWindowMs: 10_000,
    open: (as) => openTransport(mesh(), as, about.duplicateWindowMs),
    replay: (messages) => replay(mesh(), sides.subscriber, messages),
    restart: (side) => killServer(mesh(), sides[side]),
    crash: async (transport) => {
      await connections.get(transport)?.nc.close();
    },
  };
}

/** As a member connects, but without a bus. */
async function openTransport(mesh: TestMesh, as: NodeAddress, duplicateWindowMs: number): Promise<Transport> {
  const { config, path } = readNodeFile(nodeFilePath(mesh.state, nodeId(as)), "member");
  const connection = await openConnection({
    url: config.server.url,
    name: `${as.subnet}/${as.node}`,
    user: as.node,
    seed: readSeed(path(config.server.seedFile)),
    log: QUIET,
    waitForServer: true,
  });
  const transport = new NatsTransport(connection, { address: as, log: QUIET, duplicateWindowMs });
  connections.set(transport, connection);
  return transport;
}

/** Stores messages in a subnet's stream with the rights of its hub. */
function replay(mesh: TestMesh, subnet: string, messages: readonly Message[]): Promise<void> {
  return mesh.asService(subnet, async (nc) => {
    const js = nc.jetstream();
    for (const { subject, id, body } of messages) await js.publish(subject, body, { msgID: id });
  });
}

/** Kills a hub's server; the supervisor restarts it. */
async function killServer(mesh: TestMesh, subnet: string): Promise<void> {
  const pid = mesh.pid(`nats-${subnet}`);
  process.kill(pid, "SIGKILL");
  await until("the server is gone", async () => (await leftovers([pid], [])).length === 0);
}

/** Drops all messages of a subnet's stream, with the rights of its hub. */
export async function emptyStream(mesh: TestMesh, subnet: string): Promise<void> {
  await mesh.asService(subnet, async (nc) => {
    const jsm = await nc.jetstreamManager();
    await jsm.streams.purge(eventsStream(subnet));
  });
}
