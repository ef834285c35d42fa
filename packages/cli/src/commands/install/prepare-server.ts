import { resolveStateDir } from "@adaos/config";
import { Command } from "commander";
import { type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** Run by the units of servers. */
export function prepareServerCommand(terminal: Terminal): Command {
  return new Command("prepare-server")
    .description("before a unit starts a server: no supervisor runs it, and its config is whole")
    .argument("<server>", "nats-alpha")
    .addOption(stateOption())
    .addHelpText("after", "\nExample:\n  adaos install prepare-server nats-alpha")
    .action(async (name: string, { state }: StateOptions) => {
      const { prepareServer } = await import("@adaos/supervise");
      if (prepareServer(resolveStateDir(state), name))
        terminal.say(`the config of ${name} was broken; its last good version is back`);
    });
}
