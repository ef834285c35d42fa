import { balanceOf, ChaosMesh, findRoute, isBalanced, Traffic, untilDrained } from "@adaos/chaos";
import { resolveStateDir } from "@adaos/config";
import { counted, delay, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { progress } from "../../terminal/progress.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { bookFile, parseSpan, type TrafficOptions, untilInterrupted, withTraffic } from "./chaos-options.ts";

interface CheckOptions extends TrafficOptions {
  /** Milliseconds. */
  readonly duration: number;
}

export function chaosCheckCommand(terminal: Terminal): Command {
  return withTraffic(new Command("check"))
    .description(
      "let events flow, and report lost, doubled and unordered ones; exit code 70 when there are any",
    )
    .option("--duration <time>", "how long: 60, 10m, 2h", parseSpan, 60_000)
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nDo harm to the mesh meanwhile, by hand or with adaos chaos inject.")
    .addHelpText(
      "after",
      "\nExample:\n  adaos chaos check --duration 10m --from alpha/kitchen --to beta/desk",
    )
    .action(async (options: CheckOptions) => {
      const stateDir = resolveStateDir(options.state);
      const mesh = ChaosMesh.open(stateDir);
      const route = await findRoute(mesh, options);
      const book = bookFile(options, stateDir);
      terminal.say(`${route.event} from ${route.from} to ${route.to}, ${options.rate}/s; book: ${book}`);
      const signal = untilInterrupted();
      const traffic = await Traffic.open(mesh, route, book);
      const telling = progress(terminal, () => `${counted(traffic.waiting, "event")} on the way`);
      try {
        traffic.start(options.rate);
        await delay(options.duration, signal);
        await traffic.stop();
        await untilDrained(traffic, options.limit);
        const balance = await balanceOf(mesh, route, book, traffic);
        const rows = Object.entries(balance).map(([name, value]: [string, number | readonly string[]]) => {
          return [name, typeof value === "number" ? String(value) : [value.length, ...value].join(" ")];
        });
        if (options.json === true) terminal.out(visibleJson(balance));
        else for (const line of table(rows)) terminal.out(line);
        if (!isBalanced(balance) || balance.pending.length > 0) process.exitCode = EXIT_CODES.internal;
      } finally {
        telling.end();
        await traffic.close();
      }
    });
}
