import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { durablesDeleteCommand, durablesResetCommand } from "./change.ts";
import { durablesListCommand } from "./list.ts";

export function durablesCommand(terminal: Terminal): Command {
  return new Command("durables")
    .description("how far members are with their events: list durables, delete them, move them")
    .addCommand(durablesListCommand(terminal))
    .addCommand(durablesDeleteCommand(terminal))
    .addCommand(durablesResetCommand(terminal));
}
