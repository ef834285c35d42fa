import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, firstLine, messageOf, visibleJson } from "@adaos/core/wire";
import {
  type AuditedAct,
  deadLetters,
  EventMask,
  foundLetters,
  inFlight,
  type KeptDeadLetter,
  type OpenServer,
  operatorSignatures,
  replayLetters,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { DeadLetterQueue } from "@adaos/transport-nats";
import { Command, InvalidArgumentError, Option } from "commander";
import { audited } from "../../../options/audited.ts";
import { type ChangeOptions, confirmed, parseRate, tellCounts } from "../../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import { progress } from "../../../terminal/progress.ts";
import { type Terminal, table } from "../../../terminal/terminal.ts";
import { type FailureOptions, withFilters, withHubs } from "./failure-options.ts";

interface LetterChangeOptions extends FailureOptions, ChangeOptions {}

/** Events in flight at a time: they share disk syncs. */
const MAX_IN_FLIGHT = 256;
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
      const { count, permanent, last, subnets } = await survey(options, terminal, isMeant);
      if (permanent > 0)
        terminal.say(`${permanent} of them failed for permanent reasons; repair those first`);
      if (!(await confirmed("replay", "dead letter", { count }, options, terminal))) return;
      const plan = { count, last, isMeant };
      const what = ids.length === 0 ? filterText(options) : ids.join(", ");
      const act = { action: "events.dlq.replay", what, subnets };
      const { done, failed } = await change(act, plan, options, terminal, (hub, desk, report) =>
        replayLetters(foundLetters(hub, options), desk, {
          isMeant: upTo(plan),
          perSecond: options.rate,
          onEnd: report,
        }),
      );
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
      const { count, all, last, subnets } = await survey(options, terminal, isMeant);
      if (!(await confirmed("delete", "dead letter", { count }, options, terminal))) return;
      const plan = { count, last, isMeant };
      const what = `older than ${options.olderThan} days; ${filterText(options)}`;
      const act = { action: "events.dlq.purge", what, subnets };
      const { done } = await change(act, plan, options, terminal, (hub, desk, report) =>
        inFlight(meant(hub, plan, options), { maxInFlight: MAX_IN_FLIGHT }, (letter) =>
          desk.remove(letter).then(
            () => report(letter),
            (thrown: unknown) => report(letter, MeshError.from(thrown, "unavailable", "not done")),
          ),
        ),
      );
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

/** The plan of a change, made before the user is asked. */
interface Survey {
  /** How many are meant, of how many that the filters match. */
  readonly count: number;
  readonly all: number;
  readonly permanent: number;
  /** The last place in each stream; later dead letters are excluded. */
  readonly last: ReadonlyMap<string, number>;
  /** The subnets that the letters belong to. */
  readonly subnets: readonly string[];
}

async function survey(
  options: FailureOptions,
  terminal: Terminal,
  isMeant: (letter: KeptDeadLetter) => boolean,
): Promise<Survey> {
  let [count, all, permanent] = [0, 0, 0];
  const last = new Map<string, number>();
  const subnets = new Set<string>();
  await eachLetter(options, terminal, (letter) => {
    all++;
    if (!isMeant(letter)) return;
    count++;
    if (letter.entry.category === "permanent") permanent++;
    subnets.add(letter.subnet);
    last.set(letter.stream, Math.max(letter.kept, last.get(letter.stream) ?? 0));
  });
  return { count, all, permanent, last, subnets: [...subnets] };
}

interface ChangePlan extends Pick<Survey, "count" | "last"> {
  readonly isMeant: (letter: KeptDeadLetter) => boolean;
}

type Report = (letter: KeptDeadLetter, error?: MeshError) => void;

/** Changes each dead letter that the filters match, and shows the progress. A failure of some lets the others go on. */
function change(
  act: AuditedAct,
  { count }: ChangePlan,
  options: FailureOptions,
  terminal: Terminal,
  make: (hub: OpenServer, desk: DeadLetterQueue, report: Report) => Promise<void>,
): Promise<{ readonly done: number; readonly failed: number }> {
  let [done, failed] = [0, 0];
  return audited(options, terminal, act, async (tally) => {
    const ticker = progress(terminal, () => `${done + failed} of ${count}`);
    const report: Report = ({ entry }, error) => {
      if (error === undefined) done++;
      else {
        process.exitCode = EXIT_CODES[error.code];
        if (++failed <= MAX_NAMED) terminal.say(`${entry.dead_letter_id}: ${messageOf(error)}`);
      }
      tally(done, failed);
    };
    try {
      const signatures = operatorSignatures(readLayout(resolveStateDir(options.state)));
      await withHubs(options, terminal, async (hub) => {
        const desk = new DeadLetterQueue(hub.of, hub.connection, hub.jsm, signatures);
        await make(hub, desk, report).finally(() => desk.close());
      });
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

async function* meant(
  hub: OpenServer,
  plan: ChangePlan,
  options: FailureOptions,
): AsyncGenerator<KeptDeadLetter> {
  const isMeant = upTo(plan);
  for await (const letter of deadLetters(hub, options)) if (isMeant(letter)) yield letter;
}

function upTo({ last, isMeant }: ChangePlan): (letter: KeptDeadLetter) => boolean {
  return (letter) => letter.kept <= (last.get(letter.stream) ?? 0) && isMeant(letter);
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0 && Number.isFinite(days)) return days;
  throw new InvalidArgumentError("must be a number of days");
}
