import { type RootFile, readNodeFile, readServerAccess } from "@adaos/config";
import { type Logger, Policy, type Rate } from "@adaos/core";
import { NodeFileWatch, openLog, runNode } from "@adaos/daemon";
import { openConnection } from "@adaos/transport-nats";
import { LeafGate } from "./leaf-gate.ts";
import { Links } from "./links.ts";
import { MeshStream } from "./mesh-stream.ts";
import { RegistryFolder } from "./registry-folder.ts";
import { RegistryOffers } from "./registry-offers.ts";

/** Runs the root daemon until it is told to stop. Resolves with the exit code. */
export async function runRoot(file: string): Promise<number> {
  const loaded = readNodeFile(file, "root");
  const { config, path } = loaded;
  const { node } = config;
  const logFile = config.log.file;
  const log = openLog({
    level: config.log.level,
    file: logFile === undefined ? undefined : path(logFile),
    base: { mesh: config.mesh, node },
  });
  const policy = new Policy(config.policy);
  const connection = await openConnection({
    ...readServerAccess(config.server, path),
    name: node,
    user: "root",
    log,
    waitForServer: true,
  });
  const gate = await openGate(config, path, log);
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const tenants = new Map<string, string>();
  const exportLimits = new Map<string, Rate>();
  const takeSubnets = ({ subnets }: RootFile): void => {
    tenants.clear();
    exportLimits.clear();
    for (const [name, { tenant, exportLimit }] of Object.entries(subnets)) {
      tenants.set(name, tenant);
      if (exportLimit !== undefined) exportLimits.set(name, exportLimit);
    }
  };
  takeSubnets(config);
  const stream = new MeshStream(() => [...tenants.keys()], policy, config.streams, jsm, log);
  const links = new Links({ policy, tenants, exportLimits, connection, stream, log });
  /** Whoever loses something loses it first; then what is new is given. */
  const apply = async (changed: RootFile): Promise<void> => {
    policy.replace(changed.policy);
    takeSubnets(changed);
    await gate?.admit(leafKeysOf(changed));
    const trouble = await stream.restore();
    if (trouble !== undefined) throw trouble;
    await links.reconcile();
  };
  const folder = config.registry === undefined ? undefined : new RegistryFolder(path(config.registry), log);
  const registry =
    folder === undefined
      ? []
      : [
          folder,
          new RegistryOffers({
            node,
            subnets: () => [...tenants.keys()],
            bundle: () => folder.bundle,
            connection,
            log,
          }),
        ];
  try {
    return await runNode({
      node,
      role: "root",
      http: config.http,
      runFile: config.runFile === undefined ? undefined : path(config.runFile),
      log,
      parts: [
        stream,
        links,
        ...registry,
        new NodeFileWatch({ role: "root", loaded, isInForce: false, apply, log }),
      ],
    });
  } finally {
    await Promise.all([connection.close(), gate?.close()]);
  }
}

/** Nothing of a daemon on another machine than the root's server. */
async function openGate(
  { node, server, natsServer }: RootFile,
  path: (path: string) => string,
  log: Logger,
): Promise<LeafGate | undefined> {
  if (natsServer === undefined) return undefined;
  const { configFile, systemSeedFile, ...fixed } = natsServer;
  const system = await openConnection({
    ...readServerAccess({ ...server, seedFile: systemSeedFile }, path),
    name: `${node} (system)`,
    user: "system",
    log,
    waitForServer: true,
  });
  return new LeafGate(path(configFile), { ...fixed, logFile: fixed.logFile }, system, log);
}

function leafKeysOf({ subnets }: RootFile): ReadonlyMap<string, string> {
  return new Map(Object.entries(subnets).map(([name, { leafKey }]) => [name, leafKey]));
}
