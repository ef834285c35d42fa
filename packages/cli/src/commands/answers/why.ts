import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { openWitnesses, whyQuestionOf } from "@adaos/doctor";
import { decideWhy, gatherWhy, type Verdict } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { configOption } from "../policy/policy-options.ts";

interface WhyOptions extends StateOptions {
  readonly config?: string;
  readonly from?: string;
  readonly to?: string;
  readonly since?: number;
}

export function whyCommand(terminal: Terminal): Command {
  return new Command("why")
    .description(
      "why an event did not arrive: for each durable a verdict, the rule or error, and the next command",
    )
    .argument("<event>", "id of an event; or its name (ui.notify, ui.notify@1) with --from and --to")
    .option("--from <subnet/member>", "its publisher")
    .option("--to <subnet/member>", "its receiver (for an id, the default is all subscribers)")
    .option("--since <time>", "for a name: the last event published since then (default: 1h)", parseTime)
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  adaos why EVT-20260105-093000-0123456789ab\n  adaos why ui.notify --from alpha/kitchen --to beta/desk --since 2h",
    )
    .action((event: string, options: WhyOptions) => why(event, options, terminal));
}

async function why(event: string, options: WhyOptions, terminal: Terminal): Promise<void> {
  const stateDir = resolveStateDir(options.state);
  const { servers } = readLayout(stateDir);
  const witnesses = await openWitnesses(stateDir, options.config);
  const { from, to, since: sinceMs } = options;
  const question = whyQuestionOf(event, { from, to, sinceMs }, witnesses);
  const { facts, away } = await gatherWhy(servers, question, witnesses);
  const verdicts = facts.flatMap(decideWhy);
  for (const { event: asked, from: publisher, since } of facts.slice(0, 1)) {
    if (options.json === true) continue;
    terminal.out(`${asked.name}@${asked.version} ${asked.id ?? "(none stored)"} of ${publisher}, ${since}`);
  }
  for (const verdict of verdicts)
    if (options.json === true) terminal.out(visibleJson(verdict));
    else for (const line of describe(verdict)) terminal.out(line);
  if (facts.length === 0)
    terminal.say("no durable of the mesh receives it; --to subnet/member asks about one member");
  for (const { of, reason } of away) terminal.say(`${of} does not answer: ${reason}`);
  if (away.length > 0) process.exitCode = EXIT_CODES.unavailable;
}

function describe({ verdict, to, hop, reason, by, place, since, next }: Verdict): string[] {
  const rows = [
    ["at", hop],
    ["because", reason],
    ["by", by],
    ["place", place],
    ["since", since],
    ["next", next],
  ];
  const present = rows.filter((row): row is [string, string] => row[1] !== undefined);
  return ["", `${to}: ${verdict}`, ...table(present).map((line) => `  ${line}`)];
}
