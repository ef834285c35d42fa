import { peekMarks } from "@adaos/client";
import { logFilePath, marksDir, provenRegistryFile, resolveStateDir } from "@adaos/config";
import { counted, firstLine, parseSubject, visibleJson } from "@adaos/core/wire";
import { FATES, gatherLedger, type LedgerRow, type LedgerWitnesses } from "@adaos/operations";
import { askPolicy, loadPolicy, passes } from "@adaos/policy";
import { meshFileOf, readLayout } from "@adaos/provision";
import { readProof } from "@adaos/registry";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { configOption } from "../policy/policy-options.ts";

interface LedgerOptions extends StateOptions {
  readonly config?: string;
  readonly since?: number;
}

const DAY_MS = 86_400_000;
const NOT_BALANCED = 1;
/** The maximum of events that are named of each durable, for people; JSON names more. */
const MAX_NAMED = 10;
/** The longest part of an id that is shown; its writer has chosen it. */
const MAX_ID = 200;

export function ledgerCommand(terminal: Terminal): Command {
  return new Command("ledger")
    .description(
      "the fate of each event at each durable, added up, and the ids of missing events; exit code 1 when any is missing",
    )
    .option("--since <time>", "of events that were stored since then (default: 24h)", parseTime)
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos ledger --since 1h --json")
    .action((options: LedgerOptions) => ledger(options, terminal));
}

async function ledger(options: LedgerOptions, terminal: Terminal): Promise<void> {
  const { since = Date.now() - DAY_MS, json } = options;
  const { servers, logs } = readLayout(resolveStateDir(options.state));
  const { rows, away, unfollowed, isCut } = await gatherLedger(servers, since, await openWitnesses(options));
  if (json === true) for (const row of rows) terminal.out(visibleJson(row));
  else print(rows, terminal);
  if (logs === "output" && rows.some(({ missing }) => missing > 0))
    terminal.say(
      "an event that a link refused counts as missing: the root logs to its output, which is not read",
    );
  if (isCut) terminal.say("there are more events than were counted; name a later --since");
  if (unfollowed > 0) terminal.say(`${counted(unfollowed, "event")} on the way could not be followed`);
  for (const { of, reason } of away) terminal.say(`${of} does not answer: ${reason}`);
  if (away.length > 0) process.exitCode = EXIT_CODES.unavailable;
  else if (rows.some(({ missing }) => missing > 0)) process.exitCode = NOT_BALANCED;
}

async function openWitnesses(options: LedgerOptions): Promise<LedgerWitnesses> {
  const stateDir = resolveStateDir(options.state);
  const loaded = await loadPolicy(
    meshFileOf(options.config, stateDir),
    readProof(provenRegistryFile(stateDir)),
  );
  const { nodes, logs } = readLayout(stateDir);
  const roots = nodes.filter(({ role }) => role === "root");
  const known = new Map<string, boolean>();
  // That it might be published is shown by its being stored.
  const ask = (subject: string, target: string): boolean => {
    const { subnet, name, version } = parseSubject(subject);
    const event = `${name}@${version}`;
    const asked = [
      { verb: "export", event, as: subnet },
      { verb: "import", event, as: target, from: subnet },
    ] as const;
    return asked.every((inquiry) => passes(askPolicy(loaded, inquiry)));
  };
  return {
    isLetThrough: (subject, to) => {
      const [target = ""] = to.split("/");
      const key = `${subject} ${target}`;
      const isAllowed = known.get(key) ?? ask(subject, target);
      known.set(key, isAllowed);
      return isAllowed;
    },
    marks: (member) => peekMarks(marksDir(stateDir, member)),
    rootLogs: logs === "output" ? [] : roots.map(({ id }) => logFilePath(stateDir, id)),
  };
}

const COLUMNS = ["published", ...FATES] as const;

function print(rows: readonly LedgerRow[], terminal: Terminal): void {
  const cells = rows.map((row) => [row.durable, ...COLUMNS.map((column) => String(row[column]))]);
  for (const line of table([["durable", ...COLUMNS], ...cells])) terminal.out(line);
  for (const { durable, missing, missing_events } of rows) {
    for (const { id, place } of missing_events.slice(0, MAX_NAMED))
      terminal.out(`missing at ${durable}: ${firstLine(id, MAX_ID)}, last seen at ${place}`);
    if (missing > MAX_NAMED) terminal.out(`missing at ${durable}: ${missing - MAX_NAMED} more`);
  }
  if (rows.some(({ missing }) => missing > 0)) terminal.say("adaos why ID explains one of them");
}
