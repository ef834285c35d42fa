import { resolveStateDir } from "@adaos/config";
import { ROOT_DOMAIN, type StandingProbe, visibleJson } from "@adaos/core/wire";
import { reportedProbes, withEach } from "@adaos/operations";
import { type Layout, readLayout } from "@adaos/provision";
import { askProbes, type NodeProbes } from "@adaos/supervise";
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
        const layout = readLayout(stateDir);
        const [asked, reported] = await Promise.all([askProbes(layout, stateDir), askHubs(layout)]);
        const found = healthOf(asked, reported);
        if (options.json === true) terminal.out(visibleJson({ healthy: isHealthy(found), ...found }));
        else print(found, terminal);
        if (!isHealthy(found)) process.exitCode = EXIT_CODES.unavailable;
      })
  );
}

/** A node that did not answer, and why. */
interface Away {
  readonly node: string;
  readonly reason: string;
}

/** The JSON output of the command. */
interface Health {
  readonly probes: readonly StandingProbe[];
  readonly problems: readonly { readonly node: string; readonly probe: string; readonly reason: string }[];
  readonly away: readonly Away[];
}

interface Reported {
  readonly probes: readonly StandingProbe[];
  readonly away: readonly Away[];
}

/** Probes reported to the hubs of this machine. A hub that does not answer is in `away`. */
async function askHubs({ servers }: Layout): Promise<Reported> {
  const hubs = servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const probes: StandingProbe[] = [];
  const away = await withEach(hubs, async (hub) => void probes.push(...(await reportedProbes(hub))));
  return {
    probes,
    away: away.map(({ of, reason }) => ({ node: `${of}/hub`, reason: `does not answer: ${reason}` })),
  };
}

const DAEMON = "adaos-daemon";

/** A daemon that answers knows better than its hub how its probes are. Pure. */
function healthOf(asked: readonly NodeProbes[], reported: Reported): Health {
  const answering = new Set(asked.filter(({ away }) => away === undefined).map(({ node }) => node));
  const own = asked.flatMap(({ node, probes }) => probes.map((probe) => ({ node, ...probe })));
  const others = reported.probes.filter(({ node, app }) => app !== DAEMON || !answering.has(node));
  return {
    probes: [...own, ...others],
    problems: asked.flatMap(({ node, problems }) =>
      Object.entries(problems).map(([probe, reason]) => ({ node, probe, reason })),
    ),
    away: [
      ...asked.flatMap(({ node, away }) => (away === undefined ? [] : [{ node, reason: away }])),
      ...reported.away,
    ],
  };
}

/** A probe that could not be started reports nothing, which is not healthy. */
function isHealthy({ probes, problems, away }: Health): boolean {
  return problems.length + away.length === 0 && probes.every(({ requires_alert }) => !requires_alert);
}

function print({ probes, problems, away }: Health, terminal: Terminal): void {
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
  const by = app === DAEMON ? "" : `by ${app}`;
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
