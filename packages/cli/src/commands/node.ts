import type { NodeRole } from "@adaos/config";
import { Argument, Command } from "commander";

export function nodeCommand(): Command {
  return new Command("node")
    .description("run one daemon in the foreground, as systemd or a container would")
    .addArgument(new Argument("<role>", "which daemon").choices(["root", "hub", "member"]))
    .requiredOption("--config <file>", "the node's file")
    .addHelpText("after", "\nExample:\n  adaos node hub --config .adaos/nodes/alpha/hub.json")
    .action(async (role: NodeRole, options: { readonly config: string }) => {
      process.exitCode = await RUN[role](options.config);
    });
}

/** Each daemon is loaded only when it is the one to run: it lives long and memory counts. */
const RUN: Readonly<Record<NodeRole, (file: string) => Promise<number>>> = {
  root: async (file) => (await import("@adaos/root")).runRoot(file),
  hub: async (file) => (await import("@adaos/hub")).runHub(file),
  member: async (file) => (await import("@adaos/member")).runMember(file),
};
