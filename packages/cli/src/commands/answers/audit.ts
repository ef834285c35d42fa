import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { type AuditEntry, AuditTrail, auditLog } from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { parseTime } from "../../options/parse-time.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

interface AuditOptions extends StateOptions {
  readonly since?: number;
  readonly who?: string;
  readonly what?: string;
  readonly forward?: boolean;
}

const MONTH_MS = 30 * 86_400_000;

export function auditCommand(terminal: Terminal): Command {
  return new Command("audit")
    .description("the audit trail: purges, replays, applies, joins and rotations, with user, time and number")
    .option("--since <time>", "begun since then (default: 30d)", parseTime)
    .option("--who <text>", "records whose user contains this")
    .option("--what <text>", "records whose action or object contains this")
    .option("--forward", "also send the hubs the records that they have not stored yet")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  adaos audit --since 7d --what purge\n  adaos audit --json")
    .action((options: AuditOptions) => audit(options, terminal));
}

async function audit(options: AuditOptions, terminal: Terminal): Promise<void> {
  const { since = Date.now() - MONTH_MS, who, what, json } = options;
  const stateDir = resolveStateDir(options.state);
  if (options.forward === true) {
    const { stored } = await new AuditTrail(stateDir, terminal.say).forward();
    terminal.say(`${counted(stored, "record")} brought to hubs`);
  }
  const { entries, away } = await auditLog(readLayout(stateDir), stateDir, { sinceMs: since, who, what });
  if (json === true) for (const entry of entries) terminal.out(visibleJson(entry));
  else for (const line of table(entries.map(rowOf))) terminal.out(line);
  const waiting = new Set(entries.flatMap(({ waiting_for }) => waiting_for));
  const lacking = entries.filter(({ waiting_for }) => waiting_for.length > 0).length;
  const kept = `${counted(lacking, "record")} on this machine's disk alone`;
  if (lacking > 0)
    terminal.say(`${kept}, to be brought to ${[...waiting].join(", ")}: adaos audit --forward`);
  for (const { of, reason } of away) terminal.say(`${of} does not answer: ${reason}`);
  if (away.length > 0) process.exitCode = EXIT_CODES.unavailable;
}

function rowOf({ began_at, who, action, outcome, count, failed, what, error }: AuditEntry): string[] {
  const many = failed === undefined ? String(count) : `${count}, ${failed} not`;
  return [began_at, who, action, outcome, many, error === undefined ? what : `${what} (${error})`];
}
