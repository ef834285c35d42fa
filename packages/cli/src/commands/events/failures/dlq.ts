import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, firstLine, messageOf, visibleJson } from "@adaos/core/wire";
import {
  type AuditedAct,
  changeLetters,
  deadLetters,
  EventMask,
  type KeptDeadLetter,
  type LetterChange,
  LetterCount,
  operatorSignatures,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command, InvalidArgumentError, Option } from "commander";
import { audited } from "../../../options/audited.ts";
import { type ChangeOptions, confirmed, parseRate, tellCounts } from "../../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import { progress } from "../../../terminal/progress.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { type FailureOptions, withFilters, withHubs } from "./failure-options.ts";

interface LetterChangeOptions extends FailureOptions, ChangeOptions {}

/** The maximum of failures with one reason that are named. */
const MAX_NAMED = 20;

export function eventsDlqCommand(terminal: Terminal): Command {
  return new Command("dlq")
    .description("dead letters: events that no handler could handle")
    .addCommand(listCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(replayCommand(terminal))
    .addCommand(purgeCommand(terminal));
}

function withCategory(command: Command): Command {
  return withFilters(command).addOption(
    new Option("--category <category>", "why").choices(["transient", "permanent", "unknown"]),
  );
}

function listCommand(terminal: Terminal): Command {
  return withCategory(new Command("list"))
    .description("one line per dead letter, oldest first")
    .addHelpText("after", "\nExample:\n  adaos events dlq list --category transient --json")
    .action(async (options: FailureOptions) => {
      if (options.json === true) {
        const mask = await EventMask.open(options.state, terminal.say);
        await eachLetter(options, terminal, ({ subnet, entry }) =>
          terminal.out(visibleJson({ subnet, ...mask.deadLetter(entry) })),
        );
        return;
      }
      const rows: string[][] = [];
      await eachLetter(options, terminal, ({ entry }) => rows.push(rowOf(entry)));
      for (const line of table(rows)) terminal.out(line);
      terminal.say(counted(rows.length, "dead letter"));
    });
}

function rowOf({ dead_letter_id, at, category, node, event_name, error }: KeptDeadLetter["entry"]): string[] {
  return [dead_letter_id, at, category, node, event_name, firstLine(error.message, 60)];
}

function showCommand(terminal: Terminal): Command {
  return new Command("show")
    .description("everything known about one dead letter, as JSON")
    .argument("<id>", "its id, or the id of its event")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events dlq show DLQ-EVENTS_beta-17-desk.screen")
    .action(async (id: string, options: StateOptions) => {
      let found = 0;
      const mask = await EventMask.open(options.state, terminal.say);
      await eachLetter(options, terminal, ({ entry }) => {
        if (entry.dead_letter_id !== id && entry.event_id !== id) return;
        found++;
        terminal.out(visibleJson(mask.deadLetter(entry), options.json === true ? 0 : 2));
      });
      if (found === 0) throw new MeshError("usage", `no dead letter ${visibleJson(id)}`);
    });
}

function replayCommand(terminal: Terminal): Command {
  return withCategory(new Command("replay"))
    .description("give dead letters to their handlers again; each leaves the list as it goes")
    .argument("[ids...]", "which ones (default: all that the options match)")
    .option("--rate <n>", "at most so many a second", parseRate)
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nSafe to run again when it was cut short.")
    .addHelpText("after", "\nExample:\n  adaos events dlq replay --at beta --category transient --yes")
    .action(async (ids: string[], options: LetterChangeOptions & { readonly rate?: number }) => {
      const wanted = new Set(ids);
      const isMeant = ({ entry }: KeptDeadLetter): boolean =>
        wanted.size === 0 ? entry.kind !== "run" : wanted.has(entry.dead_letter_id);
      const counts = await survey(options, terminal, isMeant);
      const { count, permanent } = counts;
      if (permanent > 0)
        terminal.say(`${permanent} of them failed for permanent reasons; repair those first`);
      if (!(await confirmed("replay", "dead letter", { count }, options, terminal))) return;
      const what = ids.length === 0 ? filterText(options) : ids.join(", ");
      const act = { action: "events.dlq.replay", what };
      const how = { kind: "replay", perSecond: options.rate } as const;
      const { done, failed } = await change(act, counts, options, terminal, how);
      tellCounts({ replayed: done, failed }, options, terminal);
    });
}

function purgeCommand(terminal: Terminal): Command {
  return withCategory(new Command("purge"))
    .description("delete old dead letters for good")
    .option("--older-than <days>", "keep younger dead letters", parseDays, 30)
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nExample:\n  adaos events dlq purge --older-than 30 --yes")
    .action(async (options: LetterChangeOptions & { readonly olderThan: number }) => {
      const beforeMs = Date.now() - options.olderThan * 86_400_000;
      const isMeant = ({ entry }: KeptDeadLetter): boolean => Date.parse(entry.at) < beforeMs;
      const counts = await survey(options, terminal, isMeant);
      const { count, all } = counts;
      if (!(await confirmed("delete", "dead letter", { count }, options, terminal))) return;
      const what = `older than ${options.olderThan} days; ${filterText(options)}`;
      const act = { action: "events.dlq.purge", what };
      const { done } = await change(act, counts, options, terminal, { kind: "purge" });
      tellCounts({ deleted: done, kept: all - done }, options, terminal);
    });
}

async function eachLetter(
  options: FailureOptions,
  terminal: Terminal,
  use: (letter: KeptDeadLetter) => void,
): Promise<void> {
  await withHubs(options, terminal, async (hub) => {
    for await (const letter of deadLetters(hub, options)) use(letter);
  });
}

async function survey(
  options: FailureOptions,
  terminal: Terminal,
  isMeant: (letter: KeptDeadLetter) => boolean,
): Promise<LetterCount> {
  const counts = new LetterCount(isMeant);
  await eachLetter(options, terminal, (letter) => counts.add(letter));
  return counts;
}

/** Changes each dead letter that was counted, and shows the progress. A failure of some lets the others go on. */
function change(
  act: AuditedAct,
  counts: LetterCount,
  options: FailureOptions,
  terminal: Terminal,
  how: Pick<LetterChange, "kind" | "perSecond">,
): Promise<{ readonly done: number; readonly failed: number }> {
  let [done, failed] = [0, 0];
  return audited(options, terminal, { ...act, subnets: [...counts.subnets] }, async (tally) => {
    const ticker = progress(terminal, () => `${done + failed} of ${counts.count}`);
    const onEnd: LetterChange["onEnd"] = ({ entry }, error) => {
      if (error === undefined) done++;
      else {
        process.exitCode = EXIT_CODES[error.code];
        if (++failed <= MAX_NAMED) terminal.say(`${entry.dead_letter_id}: ${messageOf(error)}`);
      }
      tally(done, failed);
    };
    try {
      const signatures = operatorSignatures(readLayout(resolveStateDir(options.state)));
      const isMeant = (letter: KeptDeadLetter): boolean => counts.includes(letter);
      const all = { ...how, filter: options, isMeant, onEnd };
      await withHubs(options, terminal, (hub) => changeLetters(hub, signatures, all));
    } finally {
      ticker.end();
    }
    return { done, failed };
  });
}

/** The selection, in the words of the command line's options. */
function filterText({ at, node, durable, event, category }: FailureOptions): string {
  const chosen = Object.entries({ at, node, durable, event, category }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  return chosen.length === 0 ? "all dead letters" : `dead letters of ${chosen.join(", ")}`;
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0 && Number.isFinite(days)) return days;
  throw new InvalidArgumentError("must be a number of days");
}
