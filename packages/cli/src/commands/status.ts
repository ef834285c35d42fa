import { resolveStateDir } from "@adaos/config";
import { Command } from "commander";
import { EXIT_CODES } from "../exit-codes.ts";
import { askHealth } from "../mesh/health.ts";
import { readLayout } from "../mesh/layout.ts";
import { jsonOption, type StateOptions, stateOption } from "../options.ts";
import { printHealth } from "../print-health.ts";
import type { Terminal } from "../terminal.ts";

export function statusCommand(terminal: Terminal): Command {
  return new Command("status")
    .description("what runs where; exit code 0 when every server, node and link is ready, else 69")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos status --json")
    .action(async (options: StateOptions) => {
      const stateDir = resolveStateDir(options.state);
      const health = await askHealth(readLayout(stateDir), stateDir);
      printHealth(health, options.json === true, terminal);
      if (!health.ready) process.exitCode = EXIT_CODES.unavailable;
    });
}
