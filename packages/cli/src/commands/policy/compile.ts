import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { planAgain, readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

interface CompileOptions extends PolicyOptions {
  readonly check?: boolean;
}

export function policyCompileCommand(terminal: Terminal): Command {
  return new Command("compile")
    .description("compare the server configs and node files of a mesh file with those in the state folder")
    .addOption(configOption())
    .addOption(stateOption())
    .option("--check", "only name stale files, and exit with 78 when there are any")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos policy compile --check")
    .action(async (options: CompileOptions) => {
      const stateDir = resolveStateDir(options.state);
      const loaded = await loadMeantPolicy(options);
      readLayout(stateDir);
      const { files } = await planAgain(loaded, stateDir);
      const stale = [...files].filter(([file, text]) => {
        return !existsSync(file) || readFileSync(file, "utf8") !== text;
      });
      const names = stale.map(([file]) => relative(process.cwd(), file));
      if (options.json === true) terminal.out(visibleJson({ files: files.size, stale: names }));
      else if (options.check === true) for (const name of names) terminal.out(name);
      else for (const [file, text] of files) terminal.out(`# ${relative(process.cwd(), file)}\n${text}`);
      if (options.check !== true) return;
      if (names.length > 0) {
        terminal.say("stale; adaos policy apply updates a running mesh, adaos up any other");
        process.exitCode = EXIT_CODES["invalid-config"];
      }
    });
}
