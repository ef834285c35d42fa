import { type AlertRecord, type Silence, silenceOf, type Undelivered } from "@adaos/alerts";
import { counted, visibleJson, visibleText } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { silenceCommand, unsilenceCommand } from "./silence.ts";
import { withStores } from "./stores.ts";

interface ListOptions extends StateOptions {
  readonly history?: boolean;
  readonly since?: number;
}

/** Printed on standard error with the raised alerts. */
const RECENT_MS = 86_400_000;
const HISTORY_MS = 7 * RECENT_MS;

export function alertsCommand(terminal: Terminal): Command {
  return new Command("alerts")
    .description(
      "the alerts that hubs and root have raised: since when, why, and the command for a closer look",
    )
    .option("--history", "alerts raised and cleared, oldest first")
    .option("--since <time>", "with --history: from a time on, or so long ago (default: 7d)", parseTime)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos alerts\n  adaos alerts --history --since 24h")
    .action((options: ListOptions) =>
      options.history === true ? history(options, terminal) : list(options, terminal),
    )
    .addCommand(silenceCommand(terminal))
    .addCommand(unsilenceCommand(terminal));
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const nowMs = Date.now();
  let count = 0;
  const stores = await withStores(options, terminal, async (store) => {
    const silences = await store.silences();
    for (const record of await store.active()) {
      count++;
      const silence = silenceOf(silences, record.alert.alert, nowMs);
      if (options.json === true) terminal.out(visibleJson(jsonOf(record, silence)));
      else for (const line of linesOf(record, silence)) terminal.out(visibleText(line));
    }
    for (const one of await store.undelivered({ time: new Date(nowMs - RECENT_MS) }))
      terminal.say(visibleText(undeliveredText(one)));
  });
  if (stores > 0) terminal.say(count === 0 ? "no alerts" : counted(count, "alert"));
}

async function history(options: ListOptions, terminal: Terminal): Promise<void> {
  const records: AlertRecord[] = [];
  await withStores(options, terminal, async (store) => {
    for await (const record of store.history({ time: new Date(options.since ?? Date.now() - HISTORY_MS) }))
      records.push(record);
  });
  records.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  if (options.json === true) {
    for (const record of records) terminal.out(visibleJson(historyJson(record)));
    return;
  }
  const rows = records.map(({ at, change, told, alert }) => {
    const changed = told ? change : `${change} (silenced)`;
    return [at, changed, alert.severity, alert.alert, alert.node, change === "cleared" ? "" : alert.cause];
  });
  for (const line of table(rows)) terminal.out(visibleText(line));
  terminal.say(counted(records.length, "change"));
}

function linesOf({ alert }: AlertRecord, silence: Silence | undefined): string[] {
  const quiet = silence === undefined ? "" : `, silenced until ${silence.until}${because(silence.reason)}`;
  return [
    `${alert.severity} ${alert.alert} since ${alert.since}, reported by ${alert.node}${quiet}`,
    `  ${alert.summary}`,
    `  ${alert.cause}`,
    `  look: ${alert.look}`,
  ];
}

function because(reason: string): string {
  return reason === "" ? "" : ` (${reason})`;
}

function jsonOf({ alert, at, value }: AlertRecord, silence: Silence | undefined): object {
  const quiet =
    silence === undefined ? {} : { silenced_until: silence.until, silence_reason: silence.reason };
  return { ...alert, raised_at: at, value, ...quiet };
}

function historyJson({ change, at, event_id, told, alert }: AlertRecord): object {
  return { change, at, event_id, silenced: !told, ...alert };
}

function undeliveredText({ webhook, at, alerts, reason }: Undelivered): string {
  return `not delivered at ${at}: ${alerts.join(", ")} to ${webhook}: ${reason}`;
}
