import { Argument, Command } from "commander";
import { commandTree } from "../completion/command-tree.ts";
import { completionScript, SHELLS, type Shell } from "../completion/shell-scripts.ts";
import type { Terminal } from "../terminal/terminal.ts";

export function completionCommand(terminal: Terminal): Command {
  return new Command("completion")
    .description("print the script by which a shell completes commands and options")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText(
      "after",
      "\nExample:\n  adaos completion bash > ~/.adaos-completion && . ~/.adaos-completion",
    )
    .action((shell: Shell, _options: object, command: Command) => {
      terminal.out(completionScript(shell, commandTree(command.parent ?? command)));
    });
}
