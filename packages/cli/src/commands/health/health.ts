import { resolveStateDir } from "@adaos/config";
import { type StandingProbe, visibleJson } from "@adaos/core/wire";
import { askProbeHealth, DAEMON_APP, type ProbesFound } from "@adaos/doctor";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { healthHistoryCommand } from "./history.ts";

const ABOUT =
  "\nThe daemons of this machine's members are asked. Programs, and members elsewhere, report to their hubs every ten seconds; enable_metrics: false in mesh.yaml stops it.";

export function healthCommand(terminal: Terminal): Command {
  return (
    new Command("health")
      // Else this would take the options of the commands below it for its own.
      .enablePositionalOptions()
      .description("health of probed databases and services; exit code 0 when all are healthy, else 69")
      .addOption(stateOption())
      .addOption(jsonOption())
      .addCommand(healthHistoryCommand(terminal))
      .addHelpText("after", ABOUT)
      .addHelpText("after", "\nExample:\n  adaos health --json")
      .action(async (options: StateOptions) => {
        const stateDir = resolveStateDir(options.state);
        const found = await askProbeHealth(readLayout(stateDir), stateDir);
        if (options.json === true) terminal.out(visibleJson(found));
        else print(found, terminal);
        if (!found.healthy) process.exitCode = EXIT_CODES.unavailable;
      })
  );
}

function print({ probes, problems, away }: ProbesFound, terminal: Terminal): void {
  for (const line of table(probes.map(rowOf))) terminal.out(line);
  if (probes.length === 0)
    terminal.say("nobody probes anything; add probes: to a member in mesh.yaml, or call bus.probe");
  for (const { node, reason } of away) terminal.say(`${node} ${reason}`);
  for (const { node, probe, reason } of problems)
    terminal.say(terminal.colors.red(`${node}: probe ${probe} was not started: ${reason}`));
  for (const { node, probe, unpublished } of probes)
    if (unpublished !== null)
      terminal.say(`${node}: events of probe ${probe} are not published: ${unpublished}`);
}

function rowOf(probe: StandingProbe): string[] {
  const { node, app, database_type, environment, status, latency_ms: ms, since, error_message } = probe;
  const shown = status === null ? "not looked yet" : probe.is_healthy ? status : status.toUpperCase();
  const latency = ms === null ? "" : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  const began = since === null ? "" : `since ${since.slice(0, 19)}Z`;
  const by = app === DAEMON_APP ? "" : `by ${app}`;
  return [
    node,
    probe.probe,
    database_type,
    environment,
    shown,
    latency,
    began,
    [by, error_message ?? ""].filter((text) => text !== "").join(": "),
  ];
}
