import { resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { ensureNatsServer } from "@adaos/nats-server";
import { findLayout, type Layout, serverProcesses } from "@adaos/provision";
import { prepareMesh } from "../local-mesh.ts";
import { runningSupervisor } from "../processes/process-table.ts";
import { memberKeys } from "./member-keys.ts";
import { asOwner, assertUsable, type Owner, ownerOf } from "./owner.ts";
import { planUnits, targetName, type Unit, type UnitContext } from "./plan-units.ts";
import { activeUnits, assertSystemd, systemctl } from "./systemctl.ts";
import {
  compareUnits,
  removeUnits,
  type Scope,
  type UnitChanges,
  unitDirOf,
  writeUnits,
} from "./unit-files.ts";

export interface InstallOptions {
  readonly scope: Scope;
  readonly stateDir: string;
  /** The mesh file, for a folder without files. */
  readonly configFile?: string | undefined;
  readonly supervisor: boolean;
  /** Another folder than the manager's own: then systemd is told nothing. */
  readonly unitDir?: string | undefined;
  /** The file of the `adaos` program. */
  readonly adaos: string;
  readonly say: (line: string) => void;
}

/** Units that are planned and not written yet. */
export interface InstallPlan {
  readonly scope: Scope;
  readonly unitDir: string;
  readonly target: string;
  readonly units: readonly Unit[];
  readonly changes: UnitChanges;
  readonly owner: Owner;
  /** Whether the folder is the manager's own. */
  readonly isManaged: boolean;
}

/**
 * Plans the units of what this machine runs from a state folder. Writes nothing, except the files of the mesh when the
 * folder has none. Rejects with `usage`, `invalid-config` or `unavailable`.
 * @param mayProvision Whether it may write those files; false to show the plan, on a machine without systemd too.
 */
export async function planInstall(options: InstallOptions, mayProvision: boolean): Promise<InstallPlan> {
  const { scope, stateDir, supervisor, adaos } = options;
  const unitDir = resolve(options.unitDir ?? unitDirOf(scope));
  const isManaged = options.unitDir === undefined || unitDir === unitDirOf(scope);
  if (isManaged && mayProvision) await assertMayInstall(scope);
  const owner = ownerOf(stateDir);
  if (scope === "user" && owner.uid !== process.geteuid?.())
    throw new MeshError("usage", `${stateDir} belongs to ${owner.name}; run this as ${owner.name}`);
  const layout = await asOwner(owner, () => layoutOf(options, mayProvision));
  const natsServer = await asOwner(owner, () => serverProgram(layout, supervisor, owner));
  const programs = [
    [process.execPath, "the Node", 1],
    [adaos, "the program", 4],
    ...(natsServer === "" ? [] : [[natsServer, "the nats-server", 1] as const]),
  ] as const;
  for (const [file, what, bit] of programs) assertUsable(file, what, owner, bit);
  const paths = [
    stateDir,
    adaos,
    natsServer,
    process.execPath,
    layout.registryDir,
    layout.configFile ?? "",
  ].concat(serverProcesses(layout).flatMap(({ storeKeyFile = [] }) => storeKeyFile));
  const isAnyBelow = (folder: RegExp): boolean => paths.some((path) => folder.test(path));
  const context: UnitContext = {
    ...{ stateDir, layout, scope, supervisor, adaos, natsServer, node: process.execPath },
    user: scope === "system" ? owner : undefined,
    usesHome: isAnyBelow(/^\/(?:home|root|run\/user)\//),
    usesTmp: isAnyBelow(/^\/(?:var\/)?tmp\//),
    // systemd reads them as root: in a folder of another user a link could lead it to any file.
    credentials:
      scope === "system" && owner.uid === 0 && !supervisor ? memberKeys(stateDir, layout) : new Map(),
  };
  const units = planUnits(context);
  const changes = compareUnits(units, unitDir, stateDir);
  return { scope, unitDir, target: targetName(layout), units, changes, owner, isManaged };
}

/**
 * Writes planned units, stops and removes those that nothing needs any more, and makes systemd read them. Rejects with
 * `invalid-config` or `unavailable`.
 */
export async function applyInstall({ scope, unitDir, changes, isManaged }: InstallPlan): Promise<void> {
  const { write, remove } = changes;
  if (isManaged && remove.length > 0) await systemctl(scope, "stop", ...remove);
  writeUnits(write, unitDir);
  removeUnits(remove, unitDir);
  if (isManaged && write.length + remove.length > 0) await systemctl(scope, "daemon-reload");
}

/**
 * Starts the mesh now and at each boot. Units that run and have changed are restarted, the others are not disturbed.
 * Rejects with `unavailable`, also while `adaos up` runs the mesh.
 */
export async function startUnits(plan: InstallPlan, stateDir: string): Promise<void> {
  const { scope, target, changes } = plan;
  const supervisor = await supervisorByHand(plan, stateDir);
  if (supervisor !== undefined)
    throw new MeshError(
      "unavailable",
      `adaos up (process ${supervisor}) runs the mesh of ${stateDir}; stop it with adaos down, then start ${target} with systemctl`,
    );
  const services = changes.write.map(({ name }) => name).filter((name) => name.endsWith(".service"));
  const changed = await activeUnits(scope, services);
  await systemctl(scope, "enable", target);
  if (changed.length > 0) await systemctl(scope, "restart", ...changed);
  await systemctl(scope, "start", target);
}

/** Process id of the `adaos up` that runs this folder and is no unit; undefined when there is none. */
export async function supervisorByHand(
  { scope, units }: InstallPlan,
  stateDir: string,
): Promise<number | undefined> {
  const names = units.map(({ name }) => name).filter((name) => name.endsWith("-supervisor.service"));
  if ((await activeUnits(scope, names)).length > 0) return undefined;
  return runningSupervisor(stateDir)?.pid;
}

async function assertMayInstall(scope: Scope): Promise<void> {
  if (scope === "system" && process.geteuid?.() !== 0)
    throw new MeshError("usage", "units of the system need root: run this with sudo, or say --user");
  await assertSystemd(scope);
}

async function layoutOf(
  { stateDir, configFile, say }: InstallOptions,
  mayProvision: boolean,
): Promise<Layout> {
  const layout = findLayout(stateDir);
  if (layout === undefined) {
    if (configFile === undefined)
      throw new MeshError(
        "unavailable",
        `no mesh in ${stateDir}; name its file with --config, its folder with --state, or join one first`,
      );
    if (!mayProvision)
      throw new MeshError(
        "usage",
        `no mesh in ${stateDir} yet; without --dry-run its files are made from ${configFile}`,
      );
    return (await prepareMesh(configFile, stateDir, say)).layout;
  }
  if (configFile === undefined || layout.configFile === resolve(configFile)) return layout;
  const whose = layout.configFile ?? `the mesh of ${layout.joinedTo}`;
  throw new MeshError(
    "usage",
    `${stateDir} runs ${whose}, not ${configFile}; name another folder with --state`,
  );
}

/** Empty where no server runs here. */
async function serverProgram({ servers }: Layout, supervisor: boolean, { home }: Owner): Promise<string> {
  if (servers.length === 0 && !supervisor) return "";
  const isOther = process.geteuid?.() !== process.getuid?.();
  // Root's own cache is closed to others.
  const env = isOther ? { ...process.env, HOME: home, XDG_CACHE_HOME: undefined } : process.env;
  return (await ensureNatsServer({ env })).path;
}
