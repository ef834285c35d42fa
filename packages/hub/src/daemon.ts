import { type HubFile, readNodeFile, readSeed } from "@adaos/config";
import { type Member, memberRules, Policy, type Subnet, subnetRules } from "@adaos/core";
import { openLog, runNode } from "@adaos/daemon";
import { openConnection } from "@adaos/transport-nats";
import { DurableDesk } from "./durable-desk.ts";
import { MemberService } from "./member-service.ts";
import { RequestDesk } from "./request-desk.ts";
import { ServerGrants } from "./server-grants.ts";
import { SubnetStream } from "./subnet-stream.ts";

/** Runs the hub daemon of one subnet until it is told to stop. Resolves with the exit code. */
export async function runHub(file: string): Promise<number> {
  const { config, path } = readNodeFile(file, "hub");
  const { subnet, natsServer } = config;
  const node = `${subnet}/hub`;
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node },
  });
  const declared = subnetOf(config);
  const policy = new Policy([...subnetRules(declared), ...memberRules(declared)]);
  const { url } = config.server;
  const dial = { url, log, waitForServer: true };
  const connection = await openConnection({
    ...dial,
    name: node,
    user: "hub",
    seed: readSeed(path(config.server.seedFile)),
  });
  const system = await openConnection({
    ...dial,
    name: `${node} (system)`,
    user: "system",
    seed: readSeed(path(natsServer.systemSeedFile)),
  });
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const { configFile, systemSeedFile: _, ...server } = natsServer;
  const memberKeys = new Map(Object.entries(config.members).map(([name, { key }]) => [name, key]));
  const fixed = { ...server, logFile: server.logFile, subnet, policy, memberKeys };
  const grants = new ServerGrants(path(configFile), fixed, system.nc);
  const durables = new DurableDesk(subnet, policy, jsm, grants, log);
  const requests = new RequestDesk(subnet, policy, jsm, (subject) => durables.isAnswered(subject));
  try {
    return await runNode({
      node,
      role: "hub",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [
        new SubnetStream(declared, config.streams, jsm, log),
        new MemberService(
          connection,
          {
            durable: (member, request) => durables.make(member, request),
            handlers: (member, request) => requests.handlers(member, request),
            reply: (member, request) => requests.reply(member, request),
          },
          () => durables.restoreGrants(),
          log,
        ),
      ],
    });
  } finally {
    await Promise.all([connection.close(), system.close()]);
  }
}

function subnetOf(config: HubFile): Subnet {
  const members = Object.entries(config.members).map(([name, { publish, subscribe }]): [string, Member] => [
    name,
    { name, publish, subscribe },
  ]);
  return { name: config.subnet, exports: config.export, imports: config.import, members: new Map(members) };
}
