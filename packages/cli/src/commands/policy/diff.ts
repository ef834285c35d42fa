import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { diffPolicies, loadPolicy, type PolicyChange } from "@adaos/policy";
import { readLayout } from "@adaos/provision";
import { declaredHere, declaredPolicy, runningPolicy, unreached } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

interface DiffOptions extends PolicyOptions {
  readonly against?: string;
}

export function policyDiffCommand(terminal: Terminal): Command {
  return new Command("diff")
    .description(
      "changes that a mesh file would make to the running mesh's policy, by events of the registry",
    )
    .addOption(configOption())
    .addOption(stateOption())
    .option("--against <file>", "beside another mesh file instead")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos policy diff --config deploy/mesh.yaml")
    .action(async (options: DiffOptions) => {
      const loaded = await loadMeantPolicy(options);
      const [before, after] =
        options.against === undefined
          ? [runningPolicy(readLayout(resolveStateDir(options.state)), terminal.say), declaredHere(loaded)]
          : [declaredPolicy(await loadPolicy(options.against)), declaredPolicy(loaded)];
      const changes = diffPolicies(before, after, loaded.events);
      printChanges(changes, options.json === true, terminal);
      if (options.against === undefined) for (const line of unreached(loaded)) terminal.say(line);
    });
}

/** One line for each change: `+` for a new right, `-` for a lost one. */
export function printChanges(changes: readonly PolicyChange[], json: boolean, terminal: Terminal): void {
  const { green, red } = terminal.colors;
  for (const change of changes) {
    const { change: what, verb, who, from, event, rule } = change;
    const text = `${who} ${verb} ${event}${from === undefined ? "" : ` from ${from}`} (${rule})`;
    if (json) terminal.out(visibleJson(change));
    else terminal.out(what === "allowed" ? green(`+ ${text}`) : red(`- ${text}`));
  }
  if (changes.length === 0 && !json) terminal.say("no change for any event of the registry");
}
