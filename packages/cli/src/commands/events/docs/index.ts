import { Command } from "commander";
import type { Terminal } from "../../../terminal/terminal.ts";
import { eventsDocsBuildCommand } from "./build.ts";

export function eventsDocsCommand(terminal: Terminal): Command {
  return new Command("docs")
    .description("documents about the events of a registry")
    .addCommand(eventsDocsBuildCommand(terminal));
}
