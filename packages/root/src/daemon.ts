import { type RootFile, readNodeFile, readSeed } from "@adaos/config";
import {
  bridgePrefix,
  downlinkDurable,
  EVENT_ROOT,
  eventsStream,
  ingestPrefix,
  type Logger,
  MESH_STREAM,
  Policy,
  REPLY_ROOT,
  replyIngestPrefix,
  type Subnet,
  subnetRules,
  UPLINK_DURABLE,
} from "@adaos/core";
import { openLog, runNode } from "@adaos/daemon";
import { type Connection, openConnection } from "@adaos/transport-nats";
import { Link } from "./link.ts";
import { MeshStream } from "./mesh-stream.ts";

/** Runs the root daemon until it is told to stop. Resolves with the exit code. */
export async function runRoot(file: string): Promise<number> {
  const { config, path } = readNodeFile(file, "root");
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node: config.node },
  });
  const subnets = subnetsOf(config);
  const policy = new Policy(subnets.flatMap(subnetRules));
  const connection = await openConnection({
    url: config.server.url,
    name: config.node,
    user: "root",
    seed: readSeed(path(config.server.seedFile)),
    log,
    waitForServer: true,
  });
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const names = subnets.map(({ name }) => name);
  const stream = new MeshStream(names, policy, config.streams, jsm, log);
  try {
    return await runNode({
      node: config.node,
      role: "root",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [stream, ...subnets.flatMap((subnet) => linksOf(subnet, policy, connection, stream, log))],
    });
  } finally {
    await connection.close();
  }
}

/** The uplink and the downlink of a subnet, each only when something may pass it. */
function linksOf(
  subnet: Subnet,
  policy: Policy,
  connection: Connection,
  stream: MeshStream,
  log: Logger,
): Link[] {
  const { name } = subnet;
  const common = { subnet: name, policy, connection, log };
  const up = new Link({
    ...common,
    direction: "up",
    source: { stream: eventsStream(name), consumer: UPLINK_DURABLE, apiPrefix: bridgePrefix(name) },
    targetSubject: (subject) => subject,
    // The hub keeps this durable; the root could not make it if it would.
    onMissing: () => undefined,
  });
  const down = new Link({
    ...common,
    direction: "down",
    source: { stream: MESH_STREAM, consumer: downlinkDurable(name), apiPrefix: "$JS.API" },
    targetSubject: (subject) => ingestSubject(name, subject),
    onMissing: () => void stream.restore().catch((err: unknown) => log.error({ err }, "stream not restored")),
  });
  const isHeard = subnet.exports.length > 0 || subnet.imports.length > 0;
  return [...(isHeard ? [up] : []), ...(stream.filtersFor(name).length > 0 ? [down] : [])];
}

/** Where the root publishes what is stored in the subnet under this subject. */
function ingestSubject(subnet: string, subject: string): string {
  const isReply = subject.startsWith(`${REPLY_ROOT}.`);
  const [prefix, root] = isReply
    ? [replyIngestPrefix(subnet), REPLY_ROOT]
    : [ingestPrefix(subnet), EVENT_ROOT];
  return `${prefix}.${subject.slice(root.length + 1)}`;
}

function subnetsOf(config: RootFile): Subnet[] {
  return Object.entries(config.subnets).map(([name, rules]) => ({
    name,
    exports: rules.export,
    imports: rules.import,
    members: new Map(),
  }));
}
