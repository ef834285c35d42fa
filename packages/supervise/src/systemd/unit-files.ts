import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { makeFolder } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { randomId } from "@adaos/core/wire";
import { markerOf, UNIT_FILE, type Unit } from "./plan-units.ts";

export type Scope = "system" | "user";

/** Differences between the planned units and those in a folder. */
export interface UnitChanges {
  readonly write: readonly Unit[];
  readonly unchanged: readonly string[];
  /** Names of units that this tool has written for the same state folder, and that nothing needs any more. */
  readonly remove: readonly string[];
}

/** The folder in which an administrator's, or a user's, units are. Pure. */
export function unitDirOf(scope: Scope, env: NodeJS.ProcessEnv = process.env): string {
  if (scope === "system") return "/etc/systemd/system";
  const { XDG_CONFIG_HOME: config, HOME: home = homedir() } = env;
  const base = config !== undefined && isAbsolute(config) ? config : join(home, ".config");
  return join(base, "systemd/user");
}

/** Names of the units in a folder that this tool has written for a state folder. Throws the system's error. */
export function writtenUnits(unitDir: string, stateDir: string): readonly string[] {
  return unitNamesIn(unitDir).filter((name) => isOurs(textOf(unitDir, name), stateDir));
}

/** Compares planned units with a folder. Throws `usage` when another's file has the name of one. */
export function compareUnits(units: readonly Unit[], unitDir: string, stateDir: string): UnitChanges {
  const write: Unit[] = [];
  const unchanged: string[] = [];
  for (const unit of units) {
    const there = textOf(unitDir, unit.name);
    if (there !== undefined && !isOurs(there, stateDir)) throw foreignUnit(join(unitDir, unit.name), there);
    if (there === unit.text) unchanged.push(unit.name);
    else write.push(unit);
  }
  const planned = new Set(units.map(({ name }) => name));
  const remove = writtenUnits(unitDir, stateDir).filter((name) => !planned.has(name));
  return { write, unchanged, remove };
}

/** Writes all units, or none where a file cannot be written. Throws `invalid-config`. */
export function writeUnits(units: readonly Unit[], unitDir: string): void {
  const staged = units.map((unit) => ({
    file: join(unitDir, unit.name),
    from: join(unitDir, `.${unit.name}.${randomId()}.new`),
    text: unit.text,
  }));
  const written: string[] = [];
  try {
    makeFolder(unitDir, 0o755);
    for (const { from, text } of staged) {
      writeFileSync(from, text, { mode: 0o644, flag: "wx" });
      written.push(from);
    }
    for (const { from, file } of staged) renameSync(from, file);
  } catch (cause) {
    throw MeshError.from(
      cause,
      "invalid-config",
      `units cannot be written to ${unitDir}; nothing was changed`,
    );
  } finally {
    for (const from of written) rmSync(from, { force: true });
  }
}

/** Throws `invalid-config`. */
export function removeUnits(names: readonly string[], unitDir: string): void {
  try {
    for (const name of names) rmSync(join(unitDir, name), { force: true });
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `units cannot be removed from ${unitDir}`);
  }
}

function unitNamesIn(unitDir: string): string[] {
  try {
    return readdirSync(unitDir).filter((name) => UNIT_FILE.test(name));
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw MeshError.from(thrown, "invalid-config", `the units in ${unitDir} cannot be listed`);
  }
}

function textOf(unitDir: string, name: string): string | undefined {
  const file = join(unitDir, name);
  try {
    if (statSync(file).isFile()) return readFileSync(file, "utf8");
    return "";
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw MeshError.from(thrown, "invalid-config", `${file} cannot be read`);
  }
}

function isOurs(text: string | undefined, stateDir: string): boolean {
  return text !== undefined && text.split("\n", 1)[0] === `# ${markerOf(stateDir)}`;
}

function foreignUnit(file: string, text: string): MeshError {
  const [, other] = /^# Written by adaos install systemd for the state folder (".*")$/m.exec(text) ?? [];
  const whose =
    other === undefined
      ? "and adaos has not written it; remove it, or give the mesh another name"
      : `for the state folder ${other}; give one of the two meshes another name, or adaos uninstall systemd that one`;
  return new MeshError("usage", `${file} exists, ${whose}; nothing was changed`);
}
