import { type RootFile, readNodeFile, readSeed } from "@adaos/config";
import { type Logger, Policy } from "@adaos/core";
import { NodeFileWatch, openLog, runNode } from "@adaos/daemon";
import { openConnection } from "@adaos/transport-nats";
import { LeafGate } from "./leaf-gate.ts";
import { Links } from "./links.ts";
import { MeshStream } from "./mesh-stream.ts";

/** Runs the root daemon until it is told to stop. Resolves with the exit code. */
export async function runRoot(file: string): Promise<number> {
  const { config, path } = readNodeFile(file, "root");
  const { node } = config;
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node },
  });
  const policy = new Policy(config.policy);
  const connection = await openConnection({
    url: config.server.url,
    name: node,
    user: "root",
    seed: readSeed(path(config.server.seedFile)),
    log,
    waitForServer: true,
  });
  const gate = await openGate(config, path, log);
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const tenants = new Map(tenantsOf(config));
  const stream = new MeshStream(() => [...tenants.keys()], policy, config.streams, jsm, log);
  const links = new Links({ policy, tenants, connection, stream, log });
  /** Whoever loses something loses it first; then what is new is given. */
  const apply = async (changed: RootFile): Promise<void> => {
    policy.replace(changed.policy);
    tenants.clear();
    for (const [subnet, tenant] of tenantsOf(changed)) tenants.set(subnet, tenant);
    await gate?.admit(leafKeysOf(changed));
    const trouble = await stream.restore();
    if (trouble !== undefined) throw trouble;
    await links.reconcile();
  };
  try {
    return await runNode({
      node,
      role: "root",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [stream, links, new NodeFileWatch({ file, role: "root", apply, log })],
    });
  } finally {
    await Promise.all([connection.close(), gate?.close()]);
  }
}

/** Nothing of a daemon on another machine than the root's server. */
async function openGate(
  { node, server: { url }, natsServer }: RootFile,
  path: (path: string) => string,
  log: Logger,
): Promise<LeafGate | undefined> {
  if (natsServer === undefined) return undefined;
  const { configFile, systemSeedFile, ...server } = natsServer;
  const system = await openConnection({
    url,
    name: `${node} (system)`,
    user: "system",
    seed: readSeed(path(systemSeedFile)),
    log,
    waitForServer: true,
  });
  return new LeafGate(path(configFile), { ...server, logFile: server.logFile }, system, log);
}

function tenantsOf({ subnets }: RootFile): [subnet: string, tenant: string][] {
  return Object.entries(subnets).map(([name, { tenant }]) => [name, tenant]);
}

function leafKeysOf({ subnets }: RootFile): ReadonlyMap<string, string> {
  return new Map(Object.entries(subnets).map(([name, { leafKey }]) => [name, leafKey]));
}
