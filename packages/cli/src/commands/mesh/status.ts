import { resolveStateDir } from "@adaos/config";
import { readLayout } from "@adaos/provision";
import { askHealth, askOutboxes, withOutboxes } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { printHealth } from "../../terminal/print-health.ts";
import type { Terminal } from "../../terminal/terminal.ts";

export function statusCommand(terminal: Terminal): Command {
  return new Command("status")
    .description("servers, nodes and links; exit code 0 when all are ready, else 69")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos status --json")
    .action(async (options: StateOptions) => {
      const stateDir = resolveStateDir(options.state);
      const layout = readLayout(stateDir);
      const [asked, outboxes] = await Promise.all([
        askHealth(layout, stateDir),
        askOutboxes(layout, stateDir),
      ]);
      const health = withOutboxes(asked, outboxes);
      printHealth(health, options.json === true, terminal);
      if (!health.ready) process.exitCode = EXIT_CODES.unavailable;
    });
}
