import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { registryApplyCommand } from "./apply.ts";

export function registryCommand(terminal: Terminal): Command {
  return new Command("registry")
    .description("the registry that the running mesh works by; adaos events registry looks after its folder")
    .addCommand(registryApplyCommand(terminal));
}
