import { type ProbeSlo, probeSlos, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { type MetricsOptions, readMetrics, withMetricsOptions } from "../events/metrics.ts";

export function sloCommand(terminal: Terminal): Command {
  return withMetricsOptions(new Command("slo"))
    .description("answers of probes against their objective: P95 below 200 ms; exit code 69 when missed")
    .addHelpText(
      "after",
      "\n95 % of all checks must be answered within 200 ms; no answer counts as late. The budget is the other 5 %.",
    )
    .addHelpText("after", "\nExample:\n  adaos slo --since 7d")
    .action(async (options: MetricsOptions) => {
      const slos = probeSlos(await readMetrics(options, terminal));
      if (options.json === true) for (const slo of slos) terminal.out(visibleJson(slo));
      else for (const slo of slos) print(slo, terminal);
      if (slos.length === 0) terminal.say("no probe has counted a check since then");
      if (slos.some(({ met }) => !met)) process.exitCode = EXIT_CODES.unavailable;
    });
}

function print(slo: ProbeSlo, terminal: Terminal): void {
  const { node, probe, environment, database_type, looks, failed, met, attained, objective, target_ms } = slo;
  const verdict = met ? "met" : "MISSED";
  terminal.out(terminal.colors.bold(`${node} ${probe} (${database_type}, ${environment}): ${verdict}`));
  const rows = [
    ["objective", `${share(objective)} of looks within ${target_ms} ms`],
    ["attained", `${share(attained)} of ${looks} looks; ${failed} without an answer`],
    ["budget left", share(slo.budget_left)],
    ["p95", ms(slo.p95_ms)],
  ];
  for (const line of table(rows)) terminal.out(`  ${line}`);
  const hours = Object.entries(slo.by_hour).map(([hour, of]) => {
    return [hour.slice(0, 16), ms(of.p95_ms), String(of.looks), String(of.looks - of.good)];
  });
  for (const line of table([["hour (UTC)", "p95", "looks", "late or failed"], ...hours]))
    terminal.out(`  ${line}`);
}

function share(value: number): string {
  return `${(value * 100).toFixed(2)} %`;
}

function ms(value: number | null): string {
  return value === null ? "no answer" : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
