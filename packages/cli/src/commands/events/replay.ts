import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import {
  counted,
  eventsStream,
  newReplayId,
  replayIdProblem,
  type Signatures,
  visibleJson,
} from "@adaos/core/wire";
import {
  findTarget,
  hubServers,
  narrowed,
  type OpenServer,
  operatorSignatures,
  parseOrigin,
  pastEvents,
  type ReplayPlan,
  ReplayRun,
  roomFor,
  type Survey,
  surveyPast,
  type Tally,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { untilAsked } from "@adaos/supervise";
import { Command, InvalidArgumentError, Option } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed, parseRate, tellCounts } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { parsePattern } from "../../options/parse-pattern.ts";
import { parseTime } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { progress } from "../../terminal/progress.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface ReplayOptions extends StateOptions, ChangeOptions {
  readonly json?: boolean;
  readonly at: string;
  readonly to: string;
  readonly from?: string;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly fromSeq?: number;
  readonly toSeq?: number;
  readonly all?: boolean;
  readonly rate?: number;
  readonly replayId?: string;
}

/** The maximum of failures with one reason that are named. */
const MAX_NAMED = 20;

export function eventsReplayCommand(terminal: Terminal): Command {
  return new Command("replay")
    .description("deliver events of the past to one durable again, in order")
    .argument("[pattern]", "which of the durable's events, as in events tail (default: all of them)")
    .requiredOption("--at <subnet>", "whose stream")
    .requiredOption("--to <node/durable>", "the durable that gets them, for example desk/screen")
    .option("--since <time>", "stored at or after: 30s, 10m, 2h, 7d ago, or 2026-01-05T09:30:00Z", parseTime)
    .option("--until <time>", "stored before, likewise", parseTime)
    .option("--from-seq <n>", "from this place in the stream", parseCount)
    .option("--to-seq <n>", "up to this place, itself too", parseCount)
    .addOption(new Option("--all", "the whole stream").conflicts(["since", "until", "fromSeq", "toSeq"]))
    .option("--from <subnet[/node]>", "only events published there")
    .option("--rate <n>", "at most so many a second", parseRate)
    .option("--replay-id <id>", "go on with a replay that was cut short", parseReplayId)
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nHandlers run again, once for each replay; they recognise it by event.headers.replay_id.",
    )
    .addHelpText(
      "after",
      "\nExample:\n  adaos events replay ui. --at beta --to desk/screen --since 2h --dry-run",
    )
    .action(async (pattern: string | undefined, options: ReplayOptions) => {
      if (!isBounded(options)) {
        const bounds = "--since, --until, --from-seq or --to-seq";
        throw new MeshError("usage", `say how far back with ${bounds}, or --all for the whole stream`);
      }
      const layout = readLayout(resolveStateDir(options.state));
      const servers = hubServers(layout, options.at);
      const signatures = operatorSignatures(layout);
      await withServers(servers, (hub) => replay(hub, signatures, pattern, options, terminal));
    });
}

function isBounded({ since, until, fromSeq, toSeq, all }: ReplayOptions): boolean {
  return all === true || [since, until, fromSeq, toSeq].some((bound) => bound !== undefined);
}

async function replay(
  hub: OpenServer,
  signatures: Signatures,
  pattern: string | undefined,
  options: ReplayOptions,
  terminal: Terminal,
): Promise<void> {
  const plan = { ...(await planOf(hub, pattern, options)), signatures };
  const survey = await surveyed(hub, plan, terminal);
  const { count, skipped, failed } = survey;
  await warnIfTooMuch(hub, survey, terminal);
  // No event will be stored, so there is no question; but the reasons are printed.
  const onlyFails = count === 0 && failed > 0 && options.dryRun !== true;
  if (!onlyFails && !(await confirmed("replay", "event", { count, skipped, failed }, options, terminal)))
    return;
  const again = (fromSeq: number): string => commandLine(pattern, options, plan, fromSeq, survey.last);
  terminal.say(`replay ${plan.replayId}; if it is cut short, go on with: ${again(survey.first)}`);
  const range = { fromSeq: survey.first, toSeq: survey.last };
  const what = `${plan.replayId}: ${pattern ?? "all"} to ${hub.of}/${options.to}`;
  await audited(options, terminal, { action: "events.replay", what, subnets: [hub.of] }, (tally) =>
    run(hub, { ...plan, range }, { total: count + skipped + failed, again, tally }, options, terminal),
  );
}

async function planOf(
  hub: OpenServer,
  pattern: string | undefined,
  options: ReplayOptions,
): Promise<Omit<ReplayPlan, "signatures">> {
  const { from, since, until, fromSeq = 1, toSeq = Number.POSITIVE_INFINITY } = options;
  const asked = {
    ...(pattern === undefined ? {} : { pattern: parsePattern(pattern) }),
    ...(from === undefined ? {} : { from: parseOrigin(from) }),
  };
  const to = await findTarget(hub, options.to);
  const selection = narrowed(to, asked);
  // Events stored from now on are excluded: a replay must not replay itself.
  const { state } = await hub.jsm.streams.info(eventsStream(hub.of));
  return {
    to,
    selection,
    replayId: options.replayId ?? newReplayId(Date.now()),
    range: {
      since: since === undefined ? undefined : new Date(since),
      untilMs: until,
      fromSeq,
      toSeq: Math.min(toSeq, state.last_seq),
    },
  };
}

async function surveyed(hub: OpenServer, plan: ReplayPlan, terminal: Terminal): Promise<Survey> {
  const survey: Survey = { count: 0, skipped: 0, failed: 0, bytes: 0, first: 0, last: 0 };
  const ticker = progress(terminal, () => `${counted(survey.count, "event")} found so far`);
  try {
    await surveyPast(hub, plan, survey);
  } finally {
    ticker.end();
  }
  return survey;
}

async function warnIfTooMuch(hub: OpenServer, { bytes }: Survey, terminal: Terminal): Promise<void> {
  const room = await roomFor(hub);
  if (bytes <= room) return;
  const mib = (amount: number): string => `${(amount / 1_048_576).toFixed(1)} MiB`;
  const has = `${eventsStream(hub.of)} has room for ${mib(room)}`;
  terminal.say(`they take about ${mib(bytes)} and ${has}: a replay waits for more, not for long`);
}

interface ReplayProgress {
  readonly total: number;
  /** The command line that continues from a place. */
  again(fromSeq: number): string;
  readonly tally: Tally;
}

async function run(
  hub: OpenServer,
  plan: ReplayPlan,
  { total, again, tally }: ReplayProgress,
  options: ReplayOptions,
  terminal: Terminal,
): Promise<void> {
  const stop = new AbortController();
  void untilAsked().promise.then(() => stop.abort());
  const running = new ReplayRun(hub, {
    fromSeq: plan.range.fromSeq,
    perSecond: options.rate,
    signal: stop.signal,
    onFailed: (seq, why) => {
      process.exitCode = EXIT_CODES[why.code];
      if (running.failed <= MAX_NAMED) terminal.say(`sequence ${seq}: ${why.message}`);
    },
  });
  const startedMs = performance.now();
  const ticker = progress(terminal, () => progressLine(running, total, performance.now() - startedMs));
  let isWhole = false;
  try {
    await running.run(pastEvents(hub, plan));
    isWhole = !stop.signal.aborted || running.nextSeq > plan.range.toSeq;
  } finally {
    ticker.end();
    tally(running.replayed, running.failed);
    if (!isWhole) terminal.say(`cut short; go on with: ${again(running.nextSeq)}`);
    print(running, isWhole, plan, options, terminal);
  }
  if (!isWhole) process.exitCode = EXIT_CODES.closed;
}

function progressLine({ done, nextSeq, isWaiting }: ReplayRun, total: number, elapsedMs: number): string {
  const far = `${done} of ${total}`;
  if (isWaiting) return `${far}, the stream is full, at sequence ${nextSeq}`;
  const perSecond = (done * 1000) / elapsedMs;
  const left = done === 0 ? "" : `, about ${Math.ceil((total - done) / perSecond)} s left`;
  return `${far}, ${Math.round(perSecond)}/s${left}, at sequence ${nextSeq}`;
}

function print(
  { replayed, skipped, failed, nextSeq }: ReplayRun,
  isWhole: boolean,
  { replayId }: ReplayPlan,
  options: ReplayOptions,
  terminal: Terminal,
): void {
  const counts = { replayed, skipped, failed };
  if (options.json !== true) return tellCounts(counts, options, terminal);
  const cut = isWhole ? {} : { next_seq: nextSeq };
  terminal.out(visibleJson({ replay_id: replayId, ...counts, ...cut }));
}

function commandLine(
  pattern: string | undefined,
  { at, to, from, rate, state }: ReplayOptions,
  { replayId }: ReplayPlan,
  fromSeq: number,
  toSeq: number,
): string {
  const words = ["adaos", "events", "replay"];
  if (pattern !== undefined) words.push(pattern);
  words.push("--at", at, "--to", to);
  if (from !== undefined) words.push("--from", from);
  words.push("--from-seq", String(fromSeq), "--to-seq", String(toSeq));
  if (rate !== undefined) words.push("--rate", String(rate));
  words.push("--replay-id", replayId);
  if (state !== (process.env["ADAOS_STATE"] ?? ".adaos")) words.push("--state", state);
  return words.map(quoted).join(" ");
}

/** As a shell needs it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function parseReplayId(text: string): string {
  const problem = replayIdProblem(text);
  if (problem === undefined) return text;
  throw new InvalidArgumentError(problem);
}
