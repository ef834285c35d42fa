import type { NodeRole } from "@adaos/config";
import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { nodeAddCommand, nodeRemoveCommand, nodeRotateCommand } from "./members.ts";

export function nodeCommand(terminal: Terminal): Command {
  return new Command("node")
    .description("run one daemon in the foreground; add and remove members, rotate keys of a mesh that runs")
    .addCommand(runCommand("root", "run a root daemon, as systemd or a container would"))
    .addCommand(runCommand("hub", "run a subnet's hub daemon"))
    .addCommand(runCommand("member", "run a member's daemon"))
    .addCommand(nodeAddCommand(terminal))
    .addCommand(nodeRemoveCommand(terminal))
    .addCommand(nodeRotateCommand(terminal));
}

function runCommand(role: NodeRole, description: string): Command {
  const example = role === "root" ? "root" : `alpha/${role === "hub" ? "hub" : "kitchen"}`;
  return new Command(role)
    .description(description)
    .requiredOption("--config <file>", "the node's file")
    .addHelpText("after", `\nExample:\n  adaos node ${role} --config .adaos/nodes/${example}.json`)
    .action(async (options: { readonly config: string }) => {
      process.exitCode = await RUN[role](options.config);
    });
}

/** Each daemon is loaded only when it is the one to run: it lives long and memory counts. */
const RUN: Readonly<Record<NodeRole, (file: string) => Promise<number>>> = {
  root: async (file) => {
    const { openReception } = await import("@adaos/supervise");
    return (await import("@adaos/root")).runRoot(file, openReception);
  },
  hub: async (file) => (await import("@adaos/hub")).runHub(file),
  member: async (file) => (await import("@adaos/member")).runMember(file),
};
