import type { NodeRole } from "@adaos/config";
import { Command } from "commander";
import { runDaemon } from "../../daemons/run-daemon.ts";

export function runRootCommand(): Command {
  return runCommand("root", "run a root daemon, as systemd or a container would");
}

export function runHubCommand(): Command {
  return runCommand("hub", "run a subnet's hub daemon");
}

export function runMemberCommand(): Command {
  return runCommand("member", "run a member's daemon");
}

function runCommand(role: NodeRole, description: string): Command {
  const example = role === "root" ? "root" : `alpha/${role === "hub" ? "hub" : "kitchen"}`;
  return new Command(role)
    .description(description)
    .requiredOption("--config <file>", "the node's file")
    .addHelpText("after", `\nExample:\n  adaos node ${role} --config .adaos/nodes/${example}.json`)
    .action(async (options: { readonly config: string }) => {
      process.exitCode = await runDaemon(role, options.config);
    });
}
