import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { activeUnits, systemctl } from "./systemctl.ts";
import { removeUnits, type Scope, unitDirOf, writtenUnits } from "./unit-files.ts";

export interface UninstallPlan {
  readonly scope: Scope;
  readonly unitDir: string;
  readonly names: readonly string[];
  readonly isManaged: boolean;
}

/** Finds the units that were written for a state folder, which may be gone. Throws `usage` or `invalid-config`. */
export function planUninstall(scope: Scope, stateDir: string, folder: string | undefined): UninstallPlan {
  const unitDir = resolve(folder ?? unitDirOf(scope));
  const isManaged = unitDir === unitDirOf(scope);
  return { scope, unitDir, names: writtenUnits(unitDir, stateDir), isManaged };
}

/** Stops the units, then removes them. Rejects with `usage`, `unavailable` or `invalid-config`. */
export async function applyUninstall({ scope, unitDir, names, isManaged }: UninstallPlan): Promise<void> {
  if (isManaged && scope === "system" && process.geteuid?.() !== 0)
    throw new MeshError("usage", "units of the system need root: run this with sudo, or say --user");
  if (isManaged) {
    await systemctl(scope, "stop", ...names);
    await systemctl(scope, "disable", ...names.filter((name) => name.endsWith(".target")));
  }
  removeUnits(names, unitDir);
  if (isManaged) await systemctl(scope, "daemon-reload");
}

/** Units of systemd that run a state folder now, apart from its supervisor's, and how to stop them. */
export async function unitsRunning(
  stateDir: string,
): Promise<{ readonly names: readonly string[]; readonly stopCommand: string } | undefined> {
  for (const scope of ["system", "user"] as const) {
    const written = writtenUnits(unitDirOf(scope), stateDir).filter(
      (name) => !name.endsWith("-supervisor.service"),
    );
    const services = written.filter((name) => name.endsWith(".service"));
    const names = await activeUnits(scope, services);
    const target = written.find((name) => name.endsWith(".target"));
    const command = scope === "system" ? "sudo systemctl stop" : "systemctl --user stop";
    if (names.length > 0) return { names, stopCommand: `${command} ${target ?? names.join(" ")}` };
  }
  return undefined;
}

/** Throws `unavailable` when units of systemd run this folder: everything would run twice. */
export async function assertNoUnitsRun(stateDir: string): Promise<void> {
  const running = await unitsRunning(stateDir);
  if (running === undefined) return;
  throw new MeshError(
    "unavailable",
    `systemd runs the mesh of ${stateDir} (${running.names[0]}); stop it with ${running.stopCommand}, or use it as it is`,
  );
}

/**
 * The command that gives a member its new key: systemd has handed over the old one when it started the unit. Undefined
 * where no unit of this folder hands it over.
 */
export function restartForKey(stateDir: string, id: string): string | undefined {
  const unitDir = unitDirOf("system");
  const ending = `-${id.replace("/", "_")}.service`;
  const name = writtenUnits(unitDir, stateDir).find((one) => one.endsWith(ending));
  if (name === undefined || !readFileSync(join(unitDir, name), "utf8").includes("\nLoadCredential="))
    return undefined;
  return `sudo systemctl restart ${name}`;
}
