import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { readLayout } from "@adaos/provision";
import { remoteScrapeTargets, scrapeTargets } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { openOutput } from "../../terminal/output-file.ts";
import type { Terminal } from "../../terminal/terminal.ts";

/** A collector of another user reads it. */
const MODE = 0o644;

export function metricsTargetsCommand(terminal: Terminal): Command {
  return new Command("targets")
    .description("where the daemons of this machine are scraped, for Prometheus' file service discovery")
    .requiredOption("--output <file>", "where to, replaced as a whole, or - for standard output")
    .option("--remote", "for a Prometheus on another machine: where nodes with metrics.port are scraped")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nA restarted daemon may listen on another port: then run this again.")
    .addHelpText("after", "\nExample:\n  adaos metrics targets --output targets.json")
    .action(async (options: StateOptions & { readonly output: string; readonly remote?: true }) => {
      const stateDir = resolveStateDir(options.state);
      const layout = readLayout(stateDir);
      const { targets, silent } =
        options.remote === true ? remoteScrapeTargets(layout) : scrapeTargets(layout, stateDir);
      const output = await openOutput(options.output, true, terminal, MODE);
      try {
        await output.line(JSON.stringify(targets, undefined, 2));
        await output.done();
      } finally {
        await output.discard();
      }
      const why = options.remote === true ? "without metrics.port in the mesh file" : "not running";
      if (silent.length > 0) terminal.say(`${why}, and left out: ${silent.join(", ")}`);
      if (options.output === "-") return;
      if (options.json === true)
        terminal.out(visibleJson({ output: options.output, targets: targets.length, silent }));
      else terminal.say(`${options.output}: ${targets.length} daemons`);
    });
}
