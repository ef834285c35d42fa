import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { DIST_FOLDER, loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import { jsonOption } from "../../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../../options/registry-options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface GenerateOptions extends RegistryOptions {
  readonly check?: boolean;
}

export function registryGenerateCommand(terminal: Terminal): Command {
  return new Command("generate")
    .description("write the generated files of a registry: the index for programs, and the TypeScript types")
    .addOption(registryOption())
    .option("--check", "write nothing; exit with 78 when a file is not up to date")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events registry generate --registry schemas/events")
    .action(async ({ registry: dir, check, json }: GenerateOptions) => {
      const { makeDist } = await import("@adaos/registry-tools");
      const { files, typesProblem } = await makeDist(await loadRegistry(dir));
      const stale = [...files].filter(([path, text]) => textOf(join(dir, path)) !== text);
      assertOurs(
        join(dir, DIST_FOLDER),
        [...files.keys()].map((path) => basename(path)),
      );
      for (const [path, text] of check === true ? [] : stale) writeWhole(join(dir, path), text, 0o644);
      const paths = stale.map(([path]) => join(dir, path));
      if (typesProblem !== undefined) terminal.say(`no types were made: ${typesProblem}`);
      if (json === true) terminal.out(visibleJson({ stale: paths, written: check !== true }));
      else for (const path of paths) terminal.out(`${check === true ? "stale" : "wrote"} ${path}`);
      if (check === true && paths.length > 0) process.exitCode = EXIT_CODES["invalid-config"];
    });
}

/** The folder must be new, empty, or have one of our files, and no link. Throws `usage`. */
function assertOurs(folder: string, ours: readonly string[]): void {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const names = stats.isDirectory() ? readdirSync(folder) : ["no folder"];
  if (names.length === 0 || ours.some((name) => names.includes(name))) return;
  throw new MeshError("usage", `${folder} is not of adaos events registry generate; take it away`);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
