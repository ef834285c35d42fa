import { resolveStateDir } from "@adaos/config";
import type { PolicyVerb } from "@adaos/core/wire";
import { visibleJson } from "@adaos/core/wire";
import { explainPolicy, explanationAsJson, type PolicyExplanation } from "@adaos/supervise";
import { Argument, Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

interface ExplainOptions extends PolicyOptions {
  readonly as: string;
  readonly to?: string;
  readonly from?: string;
}

export function policyExplainCommand(terminal: Terminal): Command {
  return new Command("explain")
    .description(
      "may this pass? every question it is asked on its way, with the rule that answers; 77 when not",
    )
    .addArgument(
      new Argument("<verb>", "the right to ask about").choices(["publish", "subscribe", "export", "import"]),
    )
    .argument("<event>", "event (ui.notify, ui.notify@1); with subscribe a pattern, too")
    .requiredOption("--as <who>", "subnet/member; a subnet with export and import")
    .option("--to <subnet/member>", "with publish: as far as this member's handler")
    .option("--from <subnet>", "with import: where the event was published")
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  adaos policy explain publish ui.notify --as alpha/kitchen --to beta/desk",
    )
    .action(async (verb: PolicyVerb, event: string, options: ExplainOptions) => {
      const loaded = await loadMeantPolicy(options);
      const explained = await explainPolicy(
        loaded,
        { verb, event, ...options },
        resolveStateDir(options.state),
      );
      const { hops, unknown, pending } = explained;
      if (options.json === true) terminal.out(visibleJson(explanationAsJson(explained)));
      else for (const line of table(hops.map(rowOf))) terminal.out(line);
      for (const { hop } of hops) {
        if (!hop.decision.allowed && options.json !== true) terminal.say(hop.decision.reason);
      }
      if (options.json !== true) for (const line of [unknown ?? [], pending ?? []].flat()) terminal.say(line);
      if (!explained.allowed) process.exitCode = EXIT_CODES.denied;
    });
}

function rowOf({ hop: { verb, who, from, decision }, place }: PolicyExplanation["hops"][number]): string[] {
  const holder = from === undefined ? who : `${who} from ${from}`;
  return [verb, holder, decision.allowed ? "allow" : "deny", decision.rule, place ?? ""];
}
