import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shownPath, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { z } from "zod";

/** A skill that was installed: a folder for each content, so that a running one stays whole. */
export interface Installed {
  readonly version: string;
  /** `sha256:…` of its files. */
  readonly digest: string;
  /** Below the member's folder of skills. */
  readonly folder: string;
}

const installedForm = z.record(
  z.string(),
  z.object({ version: z.string(), digest: z.string(), folder: z.string() }),
);
const disabledForm = z.array(z.string()).max(10_000);
const processesForm = z.record(z.string(), z.string());

/** The files of a member's skills in its state folder. */
export class MemberSkillFiles {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Written by the daemon, when it has installed a skill. */
  installed(): Readonly<Record<string, Installed>> {
    return this.#read("installed.json", installedForm) ?? {};
  }

  storeInstalled(installed: Readonly<Record<string, Installed>>): void {
    this.#write("installed.json", installed);
  }

  /** Names of skills that are not to run. Written by `adaos skill disable` and `enable`. */
  disabled(): readonly string[] {
    return this.#read("disabled.json", disabledForm) ?? [];
  }

  storeDisabled(names: readonly string[]): void {
    this.#write("disabled.json", [...new Set(names)].sort());
  }

  /** Start times of the skills' processes by their ids: a successor ends those that a killed daemon has left. */
  processes(): Readonly<Record<string, string>> {
    return this.#read("processes.json", processesForm) ?? {};
  }

  storeProcesses(processes: Readonly<Record<string, string>>): void {
    this.#write("processes.json", processes);
  }

  logFile(skill: string): string {
    return join(this.dir, "logs", `${skill}.log`);
  }

  #read<T>(name: string, form: z.ZodType<T>): T | undefined {
    const file = join(this.dir, name);
    try {
      return form.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new MeshError("invalid-config", `${shownPath(file)} cannot be read; remove it to begin anew`, {
        cause,
      });
    }
  }

  #write(name: string, value: unknown): void {
    writeWhole(join(this.dir, name), `${JSON.stringify(value, undefined, 2)}\n`);
  }
}
