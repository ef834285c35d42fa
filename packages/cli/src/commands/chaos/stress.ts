import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ChaosMesh, stress } from "@adaos/chaos";
import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { progress } from "../../terminal/progress.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { parseSpan, untilInterrupted } from "./chaos-options.ts";

interface StressOptions extends StateOptions {
  /** Milliseconds. */
  readonly duration: number;
  readonly interval: number;
  readonly output?: string;
}

export function chaosStressCommand(terminal: Terminal): Command {
  return new Command("stress")
    .description("ask every daemon for its health, again and again, and report the answers")
    .option("--duration <time>", "how long: 60, 10m, 2h", parseSpan, 60_000)
    .option("--interval <time>", "time between two rounds: 5, 30s", parseSpan, 5000)
    .option(
      "--output <file>",
      "JSON line of each answer (default: logs/r_v0_1_1_poc.jsonl in the state folder)",
    )
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos chaos stress --duration 60 --interval 5")
    .action(async (options: StressOptions) => {
      const stateDir = resolveStateDir(options.state);
      const mesh = ChaosMesh.open(stateDir);
      const { output } = options;
      const file = output === undefined ? join(stateDir, "logs", "r_v0_1_1_poc.jsonl") : resolve(output);
      let asked = 0;
      const telling = progress(terminal, () => counted(asked, "answer"));
      try {
        const times = { durationMs: options.duration, intervalMs: Math.max(100, options.interval) };
        const summary = await stress(
          mesh,
          times,
          (sample) => {
            asked++;
            appendFileSync(file, `${JSON.stringify(sample)}\n`, { mode: 0o600 });
          },
          untilInterrupted(),
        );
        if (options.json === true) return terminal.out(visibleJson({ ...summary, output: file }));
        const statuses = Object.entries(summary.statuses).map(([status, count]) => `${count} x ${status}`);
        terminal.out(`${counted(summary.samples, "answer")}: ${statuses.join(", ")}`);
        terminal.out(`mean ${summary.mean_ms} ms, longest ${summary.max_ms} ms`);
        terminal.say(`written to ${file}`);
      } finally {
        telling.end();
      }
    });
}
