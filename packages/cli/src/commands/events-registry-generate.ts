import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { visibleJson } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import { Command } from "commander";
import { EXIT_CODES } from "../exit-codes.ts";
import { writeWhole } from "../mesh/write-whole.ts";
import { jsonOption } from "../options.ts";
import type { Terminal } from "../terminal.ts";
import { type RegistryOptions, registryOption } from "./registry-options.ts";

interface GenerateOptions extends RegistryOptions {
  readonly check?: boolean;
}

export function registryGenerateCommand(terminal: Terminal): Command {
  return new Command("generate")
    .description("write what is made from a registry: the index for programs, and the TypeScript types")
    .addOption(registryOption())
    .option("--check", "write nothing; exit with 78 when a file is not up to date")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events registry generate --registry schemas/events")
    .action(async ({ registry: dir, check, json }: GenerateOptions) => {
      const { makeDist } = await import("@adaos/registry/tools");
      const { files, typesProblem } = await makeDist(await loadRegistry(dir));
      const stale = [...files].filter(([path, text]) => textOf(join(dir, path)) !== text);
      for (const [path, text] of check === true ? [] : stale) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeWhole(join(dir, path), text, 0o644);
      }
      const paths = stale.map(([path]) => join(dir, path));
      if (typesProblem !== undefined) terminal.say(`no types were made: ${typesProblem}`);
      if (json === true) terminal.out(visibleJson({ stale: paths, written: check !== true }));
      else for (const path of paths) terminal.out(`${check === true ? "stale" : "wrote"} ${path}`);
      if (check === true && paths.length > 0) process.exitCode = EXIT_CODES["invalid-config"];
    });
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
