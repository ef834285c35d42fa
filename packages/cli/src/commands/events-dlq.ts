import { createInterface } from "node:readline/promises";
import { resolveStateDir } from "@adaos/config";
import { MeshError, messageOf } from "@adaos/core";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  DeadLetterDesk,
  type DeadLetterFilter,
  hubServers,
  type KeptDeadLetter,
  matchesFilter,
} from "../mesh/dead-letters.ts";
import { readLayout } from "../mesh/layout.ts";
import { jsonOption, type StateOptions, stateOption } from "../options.ts";
import { type Terminal, table } from "../terminal.ts";

interface DlqOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
  readonly durable?: string;
  readonly category?: string;
  readonly event?: string;
}

interface ChangeOptions extends DlqOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function eventsDlqCommand(terminal: Terminal): Command {
  return new Command("dlq")
    .description("dead letters: events that no handler could handle")
    .addCommand(listCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(replayCommand(terminal))
    .addCommand(purgeCommand(terminal));
}

function withFilters(command: Command): Command {
  return command
    .option("--at <subnet>", "one subnet (default: all)")
    .option("--node <subnet/node>", "whose handler failed")
    .option("--durable <name>", "which durable")
    .option("--event <name>", "which event")
    .addOption(new Option("--category <category>", "why").choices(["transient", "permanent", "unknown"]))
    .addOption(stateOption())
    .addOption(jsonOption());
}

function listCommand(terminal: Terminal): Command {
  return withFilters(new Command("list"))
    .description("one line per dead letter, oldest first")
    .addHelpText("after", "\nExample:\n  adaos events dlq list --category transient --json")
    .action(async (options: DlqOptions) => {
      const found = await collect(options);
      if (options.json === true) {
        for (const { subnet, entry } of found) terminal.out(JSON.stringify({ subnet, ...entry }));
        return;
      }
      const rows = found.map(({ entry }) => [
        entry.dead_letter_id,
        entry.at,
        entry.category,
        entry.node,
        entry.event_name,
        entry.error.message.split("\n")[0]?.slice(0, 60) ?? "",
      ]);
      for (const line of table(rows)) terminal.out(line);
      terminal.say(`${found.length} dead letters`);
    });
}

function showCommand(terminal: Terminal): Command {
  return new Command("show")
    .description("everything known of one dead letter, as JSON")
    .argument("<id>", "its id, or the id of its event")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events dlq show DLQ-EVENTS_beta-17-desk.screen")
    .action(async (id: string, options: StateOptions) => {
      const found = (await collect(options)).filter(
        ({ entry }) => entry.dead_letter_id === id || entry.event_id === id,
      );
      if (found.length === 0) throw new MeshError("usage", `no dead letter ${JSON.stringify(id)}`);
      for (const { entry } of found) {
        terminal.out(options.json === true ? JSON.stringify(entry) : JSON.stringify(entry, undefined, 2));
      }
    });
}

function replayCommand(terminal: Terminal): Command {
  return withFilters(new Command("replay"))
    .description("give dead letters to their handlers again; each leaves the list as it goes")
    .argument("[ids...]", "which ones (default: all that the options match)")
    .option("--rate <n>", "at most so many a second", parseRate)
    .option("--dry-run", "only tell what would be done")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nSafe to run again when it was cut short.")
    .addHelpText("after", "\nExample:\n  adaos events dlq replay --at beta --category transient --yes")
    .action(async (ids: string[], options: ChangeOptions & { readonly rate?: number }) => {
      const found = (await collect(options)).filter(
        ({ entry }) => ids.length === 0 || ids.includes(entry.dead_letter_id),
      );
      const permanent = found.filter(({ entry }) => entry.category === "permanent").length;
      if (permanent > 0)
        terminal.say(`${permanent} of them failed for reasons that time does not cure; fix those first`);
      if (!(await confirmed("replay", found.length, options, terminal))) return;
      const pauseMs = options.rate === undefined ? 0 : 1000 / options.rate;
      const failed = await change(found, options, terminal, pauseMs, (desk, letter) => desk.replay(letter));
      tell({ replayed: found.length - failed, failed }, options, terminal);
    });
}

function purgeCommand(terminal: Terminal): Command {
  return withFilters(new Command("purge"))
    .description("delete old dead letters for good")
    .option("--older-than <days>", "keep what is younger", parseDays, 30)
    .option("--dry-run", "only tell what would be done")
    .option("--yes", "do not ask")
    .addHelpText("after", "\nExample:\n  adaos events dlq purge --older-than 30 --yes")
    .action(async (options: ChangeOptions & { readonly olderThan: number }) => {
      const all = await collect(options);
      const filter = { beforeMs: Date.now() - options.olderThan * 86_400_000 };
      const old = all.filter((letter) => matchesFilter(letter, filter));
      if (!(await confirmed("delete", old.length, options, terminal))) return;
      const failed = await change(old, options, terminal, 0, (desk, { kept }) => desk.remove(kept));
      const deleted = old.length - failed;
      tell({ deleted, kept: all.length - deleted }, options, terminal);
    });
}

/** Runs `use` with each subnet's desk in turn. */
async function withDesks(options: DlqOptions, use: (desk: DeadLetterDesk) => Promise<void>): Promise<void> {
  for (const server of hubServers(readLayout(resolveStateDir(options.state)), options.at)) {
    const desk = await DeadLetterDesk.open(server);
    try {
      await use(desk);
    } catch (thrown) {
      throw MeshError.from(thrown, "unavailable", `the dead letters of ${server.of} cannot be read`);
    } finally {
      await desk.close();
    }
  }
}

async function collect(options: DlqOptions): Promise<KeptDeadLetter[]> {
  const filter: DeadLetterFilter = options;
  const found: KeptDeadLetter[] = [];
  await withDesks(options, async (desk) => {
    for await (const letter of desk.all()) if (matchesFilter(letter, filter)) found.push(letter);
  });
  return found;
}

/** Does something to each dead letter, telling how far it is. Resolves with how many it failed for. */
async function change(
  letters: readonly KeptDeadLetter[],
  options: DlqOptions,
  terminal: Terminal,
  pauseMs: number,
  act: (desk: DeadLetterDesk, letter: KeptDeadLetter) => Promise<unknown>,
): Promise<number> {
  let failed = 0;
  let done = 0;
  let toldMs = Date.now();
  await withDesks(options, async (desk) => {
    for (const letter of letters.filter(({ subnet }) => subnet === desk.subnet)) {
      try {
        await act(desk, letter);
      } catch (thrown) {
        failed++;
        terminal.say(`${letter.entry.dead_letter_id}: ${messageOf(thrown)}`);
      }
      done++;
      if (Date.now() - toldMs >= 1000) {
        toldMs = Date.now();
        terminal.say(`${done} of ${letters.length}`);
      }
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  });
  return failed;
}

async function confirmed(
  what: string,
  count: number,
  options: ChangeOptions,
  terminal: Terminal,
): Promise<boolean> {
  if (options.dryRun === true || count === 0) {
    if (options.json === true)
      terminal.out(JSON.stringify({ [what]: count, dry_run: options.dryRun === true }));
    else terminal.say(`would ${what} ${count} dead letters`);
    return false;
  }
  if (options.yes === true) return true;
  if (!process.stdin.isTTY)
    throw new MeshError("usage", `this would ${what} ${count} dead letters; confirm with --yes`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${what} ${count} dead letters? [y/N] `);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

function tell(result: Readonly<Record<string, number>>, options: DlqOptions, terminal: Terminal): void {
  if (options.json === true) return terminal.out(JSON.stringify(result));
  terminal.out(
    Object.entries(result)
      .map(([what, count]) => `${count} ${what}`)
      .join(", "),
  );
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && rate <= 100_000) return rate;
  throw new InvalidArgumentError("must be a number above 0");
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0 && Number.isFinite(days)) return days;
  throw new InvalidArgumentError("must be a number of days");
}
