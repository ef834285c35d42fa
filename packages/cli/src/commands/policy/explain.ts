import { resolveStateDir } from "@adaos/config";
import type { PolicyVerb } from "@adaos/core/wire";
import { visibleJson } from "@adaos/core/wire";
import { askPolicy, type Hop, hopAsJson, passes, placeOfAnswer, unknownEvent } from "@adaos/policy";
import { notInForce } from "@adaos/supervise";
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
      const inquiry = { verb, event, ...options };
      const hops = askPolicy(loaded, inquiry);
      const unknown = unknownEvent(loaded, inquiry);
      const allowed = passes(hops);
      const pending = await notInForce(loaded, inquiry, hops, resolveStateDir(options.state));
      const placed = hops.map((hop) => ({ hop, place: placeOfAnswer(loaded, hop) }));
      if (options.json === true)
        terminal.out(
          visibleJson({
            allowed,
            known: unknown === undefined,
            ...(pending === undefined ? {} : { in_force: pending.length === 0, not_in_force: pending }),
            hops: placed.map(({ hop, place }) => hopAsJson(hop, place)),
          }),
        );
      else for (const line of table(placed.map(rowOf))) terminal.out(line);
      for (const { decision } of hops) {
        if (!decision.allowed && options.json !== true) terminal.say(decision.reason);
      }
      if (options.json !== true) for (const line of [unknown ?? [], pending ?? []].flat()) terminal.say(line);
      if (!allowed) process.exitCode = EXIT_CODES.denied;
    });
}

/** An answer, and the place of its rule. */
interface PlacedHop {
  readonly hop: Hop;
  readonly place: string | undefined;
}

function rowOf({ hop: { verb, who, from, decision }, place }: PlacedHop): string[] {
  const holder = from === undefined ? who : `${who} from ${from}`;
  return [verb, holder, decision.allowed ? "allow" : "deny", decision.rule, place ?? ""];
}
