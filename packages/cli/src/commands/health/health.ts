import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { askProbes, type NodeProbes } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { healthHistoryCommand } from "./history.ts";

export function healthCommand(terminal: Terminal): Command {
  return (
    new Command("health")
      // Else this would take the options of the commands below it for its own.
      .enablePositionalOptions()
      .description("how what members probe is; exit code 0 when all of it is healthy, else 69")
      .addOption(stateOption())
      .addOption(jsonOption())
      .addCommand(healthHistoryCommand(terminal))
      .addHelpText(
        "after",
        "\nThe daemons of this machine's members are asked for the probes of mesh.yaml. What programs probe is in the history.",
      )
      .addHelpText("after", "\nExample:\n  adaos health --json")
      .action(async (options: StateOptions) => {
        const stateDir = resolveStateDir(options.state);
        const asked = await askProbes(readLayout(stateDir), stateDir);
        if (options.json === true) terminal.out(visibleJson(reportOf(asked)));
        else print(asked, terminal);
        if (!isHealthy(asked)) process.exitCode = EXIT_CODES.unavailable;
      })
  );
}

/** A probe that could not be started tells nothing, which is not healthy. */
function isHealthy(asked: readonly NodeProbes[]): boolean {
  return asked.every(
    ({ probes, problems, away }) =>
      away === undefined &&
      Object.keys(problems).length === 0 &&
      probes.every(({ requires_alert }) => !requires_alert),
  );
}

function reportOf(asked: readonly NodeProbes[]): object {
  return {
    healthy: isHealthy(asked),
    probes: asked.flatMap(({ node, probes }) => probes.map((probe) => ({ node, ...probe }))),
    problems: asked.flatMap(({ node, problems }) =>
      Object.entries(problems).map(([probe, reason]) => ({ node, probe, reason })),
    ),
    away: asked.flatMap(({ node, away }) => (away === undefined ? [] : [{ node, reason: away }])),
  };
}

function print(asked: readonly NodeProbes[], terminal: Terminal): void {
  const { colors } = terminal;
  const rows = asked.flatMap(({ node, probes }) =>
    probes.map((probe) => {
      const { status, latency_ms: ms, since, error_message: failure } = probe;
      const shown = status === null ? "not looked yet" : probe.is_healthy ? status : status.toUpperCase();
      const latency = ms === null ? "" : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
      const began = since === null ? "" : `since ${since.slice(0, 19)}Z`;
      return [
        node,
        probe.probe,
        probe.database_type,
        probe.environment,
        shown,
        latency,
        began,
        failure ?? "",
      ];
    }),
  );
  for (const line of table(rows)) terminal.out(line);
  if (rows.length === 0)
    terminal.say("no member of this machine probes anything; add probes: to one in mesh.yaml");
  for (const { node, problems, probes, away } of asked) {
    if (away !== undefined) terminal.say(`${node} ${away}`);
    for (const [probe, reason] of Object.entries(problems))
      terminal.say(colors.red(`${node}: probe ${probe} was not started: ${reason}`));
    for (const { probe, unpublished } of probes)
      if (unpublished !== null)
        terminal.say(`${node}: events of probe ${probe} are not published: ${unpublished}`);
  }
}
