import { type RootFile, readNodeFile, readServerAccess, readSignatures } from "@adaos/config";
import { type DataClass, type Logger, Policy, type Rate } from "@adaos/core";
import { type KnownEvent, linkUser, Signatures } from "@adaos/core/wire";
import { NodeFileWatch, openLog, runNode } from "@adaos/daemon";
import { linkKeys, linkSeed } from "@adaos/nats-server";
import { type Connection, openConnection } from "@adaos/transport-nats";
import { OriginBudgets } from "./budgets/origin-budgets.ts";
import { JoinDesk, type Reception } from "./joining/join-desk.ts";
import { type Admitted, LeafGate } from "./joining/leaf-gate.ts";
import { Clearance } from "./links/clearance.ts";
import { Links } from "./links/links.ts";
import { MeshStream } from "./links/mesh-stream.ts";
import { RegistryFolder } from "./registry/registry-folder.ts";
import { RegistryOffers } from "./registry/registry-offers.ts";

const NOTHING: readonly KnownEvent[] = [];

/**
 * Runs the root daemon until it is told to stop. Resolves with the exit code.
 * @param openReception Given the state folder of a root that lets other machines join.
 */
export async function runRoot(
  file: string,
  openReception: (stateDir: string, log: Logger) => Reception,
): Promise<number> {
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
  const signatures = new Signatures(readSignatures(config.signatures, path));
  const access = readServerAccess(config.server, path);
  const connection = await openConnection({
    ...access,
    name: node,
    user: "root",
    log,
    waitForServer: true,
  });
  const admittedOf = admission(access.seed);
  const gate = await openGate(config, admittedOf, path, log);
  const jsm = await connection.nc.jetstreamManager({ checkAPI: false });
  const tenants = new Map<string, string>();
  const nodes = new Map<string, ReadonlySet<string>>();
  const exportLimits = new Map<string, Rate>();
  const cleared = new Map<string, readonly DataClass[]>();
  const takeSubnets = ({ subnets }: RootFile): void => {
    tenants.clear();
    nodes.clear();
    exportLimits.clear();
    cleared.clear();
    for (const [name, { tenant, nodes: members, clearance, exportLimit }] of Object.entries(subnets)) {
      tenants.set(name, tenant);
      nodes.set(name, new Set(members));
      cleared.set(name, clearance);
      if (exportLimit !== undefined) exportLimits.set(name, exportLimit);
    }
  };
  takeSubnets(config);
  const stream = new MeshStream(() => [...tenants.keys()], policy, config.streams, jsm, log);
  const stateDir = config.stateDir === undefined ? undefined : path(config.stateDir);
  const { autoApply } = config;
  const folder =
    config.registry === undefined
      ? undefined
      : new RegistryFolder({ dir: path(config.registry), autoApply, stateDir, log });
  const clearance = new Clearance(cleared, () => folder?.classified ?? NOTHING);
  const openSource = (subnet: string, signal: AbortSignal): Promise<Connection> =>
    openConnection({
      ...access,
      seed: () => linkSeed(access.seed(), subnet),
      name: `${node} from ${subnet}`,
      user: linkUser(subnet),
      log,
      waitForServer: true,
      signal,
    });
  const budgets = new OriginBudgets({
    subnets: () => [...tenants.keys()],
    connection,
    jsm,
    share: config.streams.maxShare,
    log,
  });
  const links = new Links({
    policy,
    tenants,
    nodes,
    signatures,
    clearance,
    exportLimits,
    connection,
    openSource,
    stream,
    budgets,
    log,
  });
  /** Whoever loses something loses it first; then what is new is given. */
  const apply = async (changed: RootFile): Promise<void> => {
    const keys = readSignatures(changed.signatures, path);
    policy.replace(changed.policy);
    signatures.replace(keys);
    takeSubnets(changed);
    if (folder !== undefined) folder.autoApply = changed.autoApply;
    await gate?.admit(admittedOf(changed));
    const trouble = await stream.restore();
    if (trouble !== undefined) throw trouble;
    await links.reconcile();
  };
  const joining =
    gate === undefined || stateDir === undefined
      ? []
      : [new JoinDesk(connection, gate, openReception(stateDir, log), log)];
  const registry =
    folder === undefined
      ? []
      : [
          folder,
          new RegistryOffers({
            node,
            subnets: () => [...tenants.keys()],
            bundle: () => folder.inForce,
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
        // The registry comes first: links ask it what is classified.
        ...registry,
        budgets,
        links,
        new NodeFileWatch({ role: "root", loaded, isInForce: false, apply, log }),
        ...joining,
      ],
    });
  } finally {
    await Promise.all([connection.close(), gate?.close()]);
  }
}

/** Nothing of a daemon on another machine than the root's server. */
async function openGate(
  config: RootFile,
  admittedOf: (config: RootFile) => Admitted,
  path: (path: string) => string,
  log: Logger,
): Promise<LeafGate | undefined> {
  const { node, server, natsServer } = config;
  if (natsServer === undefined) return undefined;
  const { configFile, systemSeedFile, rootKey: _, ...fixed } = natsServer;
  const system = await openConnection({
    ...readServerAccess({ ...server, seedFile: systemSeedFile }, path),
    name: `${node} (system)`,
    user: "system",
    log,
    waitForServer: true,
  });
  return new LeafGate(
    path(configFile),
    { ...fixed, logFile: fixed.logFile },
    admittedOf(config),
    system,
    log,
  );
}

/** The root daemon is the one who can tell with which keys it pulls: they follow from its own. */
function admission(seed: () => string): (config: RootFile) => Admitted {
  return ({ subnets, natsServer }) => ({
    rootKey: natsServer?.rootKey ?? "",
    leafKeys: new Map(Object.entries(subnets).map(([name, { leafKey }]) => [name, leafKey])),
    linkKeys: linkKeys(seed(), Object.keys(subnets)),
  });
}
