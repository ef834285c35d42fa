import { type RootFile, readNodeFile, readSeed, readServerAccess } from "@adaos/config";
import { Policy } from "@adaos/core";
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
  const dial = { ...readServerAccess(config.server, path), log, waitForServer: true };
  const connection = await openConnection({
    ...dial,
    name: node,
    user: "root",
  });
  const { configFile, systemSeedFile, ...server } = config.natsServer;
  const system = await openConnection({
    ...dial,
    name: `${node} (system)`,
    user: "system",
    seed: readSeed(path(systemSeedFile)),
  });
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const tenants = new Map(tenantsOf(config));
  const stream = new MeshStream(() => [...tenants.keys()], policy, config.streams, jsm, log);
  const links = new Links({ policy, tenants, connection, stream, log });
  const gate = new LeafGate(path(configFile), { ...server, logFile: server.logFile }, system.nc, log);
  /** Whoever loses something loses it first; then what is new is given. */
  const apply = async (changed: RootFile): Promise<void> => {
    policy.replace(changed.policy);
    tenants.clear();
    for (const [subnet, tenant] of tenantsOf(changed)) tenants.set(subnet, tenant);
    await gate.admit(leafKeysOf(changed));
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
    await Promise.all([connection.close(), system.close()]);
  }
}

function tenantsOf({ subnets }: RootFile): [subnet: string, tenant: string][] {
  return Object.entries(subnets).map(([name, { tenant }]) => [name, tenant]);
}

function leafKeysOf({ subnets }: RootFile): ReadonlyMap<string, string> {
  return new Map(Object.entries(subnets).map(([name, { leafKey }]) => [name, leafKey]));
}
