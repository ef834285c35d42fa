import { type HubFile, readNodeFile, readSeed, readServerAccess, readSignatures } from "@adaos/config";
import { Policy, type RateLimit } from "@adaos/core";
import { Denials, Signatures } from "@adaos/core/wire";
import { NodeFileWatch, openLog, runNode } from "@adaos/daemon";
import { openConnection, StreamPublisher } from "@adaos/transport-nats";
import { Budgets } from "./budgets/budgets.ts";
import { ParkedDesk } from "./parking/parked-desk.ts";
import { type HubKeys, ServerGrants } from "./server-grants.ts";
import { DurableDesk } from "./services/durable-desk.ts";
import { MemberService } from "./services/member-service.ts";
import { RegistryKeeper } from "./services/registry-keeper.ts";
import { RequestDesk } from "./services/request-desk.ts";
import { SubnetStream } from "./subnet-stream.ts";

/** Runs the hub daemon of one subnet until it is told to stop. Resolves with the exit code. */
export async function runHub(file: string): Promise<number> {
  const loaded = readNodeFile(file, "hub");
  const { config, path } = loaded;
  const { subnet, natsServer } = config;
  const node = `${subnet}/hub`;
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node },
  });
  const policy = new Policy(config.policy);
  const signatures = new Signatures(readSignatures(config.signatures, path));
  const dial = { ...readServerAccess(config.server, path), log, waitForServer: true };
  const connection = await openConnection({
    ...dial,
    name: node,
    user: "hub",
  });
  const system = await openConnection({
    ...dial,
    name: `${node} (system)`,
    user: "system",
    seed: readSeed(path(natsServer.systemSeedFile)),
  });
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const { configFile, systemSeedFile: _, hubKey: __, leafKey: ___, ...server } = natsServer;
  const fixed = { ...server, logFile: server.logFile, subnet, policy };
  const grants = new ServerGrants(path(configFile), fixed, keysOf(config), system.nc);
  const durables = new DurableDesk(subnet, policy, jsm, grants, log);
  const stream = new SubnetStream({
    subnet,
    members: Object.keys(config.members),
    policy,
    limits: config.streams,
    jsm,
    log,
  });
  /** Whoever loses something loses it first; then what is new is given. */
  const apply = async (changed: HubFile): Promise<void> => {
    const keys = readSignatures(changed.signatures, path);
    policy.replace(changed.policy);
    signatures.replace(keys);
    grants.setKeys(keysOf(changed));
    // Keys and rights go first: they need nothing but the server.
    budgets.setLimits(limitsOf(changed));
    await grants.enforce();
    await durables.restoreGrants();
    await stream.refresh(Object.keys(changed.members));
  };
  const publisher = new StreamPublisher(connection, { checksDuplicates: true });
  const denials = new Denials({
    address: { subnet, node: "hub" },
    tenant: config.tenant,
    signatures,
    publish: (message) => publisher.publish(message),
    log,
  });
  const budgets = new Budgets({
    subnet,
    connection,
    jsm,
    grants,
    streams: config.streams,
    flood: config.flood,
    askTraffic: () => grants.askTraffic(),
    denials,
    log,
  });
  budgets.setLimits(limitsOf(config));
  const cacheFile = config.registryCache === undefined ? undefined : path(config.registryCache);
  const registry = new RegistryKeeper(connection, cacheFile, log);
  const parked = new ParkedDesk({ subnet, connection, jsm, grants, signatures, denials, log });
  const requests = new RequestDesk(subnet, policy, jsm, (subject) => durables.isAnswered(subject));
  try {
    return await runNode({
      node,
      role: "hub",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [
        stream,
        registry,
        new MemberService({
          subnet,
          connection,
          answers: {
            durable: (member, request) => durables.make(member, request),
            handlers: (member, request) => requests.handlers(member, request),
            reply: (member, request) => requests.reply(member, request),
            registry: (_member, request) => registry.serve(request),
            park: (member, request) => parked.park(member, request),
            parked: (member, request) => parked.parked(member, request),
            release: (member, request) => parked.release(member, request),
            budget: (member) => budgets.suspendedOf(member),
          },
          restore: () => durables.restoreGrants(),
          denials,
          log,
        }),
        budgets,
        new NodeFileWatch({ role: "hub", loaded, isInForce: true, apply, log }),
      ],
    });
  } finally {
    denials.close();
    await Promise.all([publisher.close(), parked.close()]);
    await Promise.all([connection.close(), system.close()]);
  }
}

function limitsOf({ members }: HubFile): Map<string, readonly RateLimit[]> {
  return new Map(Object.entries(members).map(([name, { limits }]) => [name, limits]));
}

function keysOf({ members, natsServer: { hubKey, leafKey } }: HubFile): HubKeys {
  const memberKeys = new Map(Object.entries(members).map(([name, { key }]) => [name, key]));
  return { hubKey, leafKey, memberKeys };
}
