import type { PolicyVerb } from "@adaos/core";
import { Argument, Command } from "commander";
import { EXIT_CODES } from "../exit-codes.ts";
import { jsonOption, stateOption } from "../options.ts";
import { askPolicy } from "../policy/ask-policy.ts";
import { type Hop, hopAsJson, passes } from "../policy/hops.ts";
import { type Terminal, table } from "../terminal.ts";
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
      new Argument("<verb>", "what is asked").choices(["publish", "subscribe", "export", "import"]),
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
      const hops = askPolicy(loaded, { verb, event, ...options });
      const allowed = passes(hops);
      const placeOf = (rule: string): string | undefined => loaded.meshFile.placeOfRule(rule);
      if (options.json === true)
        terminal.out(JSON.stringify({ allowed, hops: hops.map((hop) => hopAsJson(hop, placeOf)) }));
      else for (const line of table(hops.map((hop) => rowOf(hop, placeOf)))) terminal.out(line);
      for (const { decision } of hops) {
        if (!decision.allowed && options.json !== true) terminal.say(decision.reason);
      }
      if (!allowed) process.exitCode = EXIT_CODES.denied;
    });
}

function rowOf({ verb, who, from, decision }: Hop, placeOf: (rule: string) => string | undefined): string[] {
  const holder = from === undefined ? who : `${who} from ${from}`;
  return [verb, holder, decision.allowed ? "allow" : "deny", decision.rule, placeOf(decision.rule) ?? ""];
}
