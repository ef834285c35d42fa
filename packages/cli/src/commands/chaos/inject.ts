import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  balanceOf,
  ChaosMesh,
  type FaultSample,
  faultsOf,
  findRoute,
  inject,
  inSeconds,
  isPassed,
  type PlannedFault,
  planFaults,
  reportOf,
  summaryOf,
  summaryRows,
  Traffic,
  untilDrained,
  Witness,
} from "@adaos/chaos";
import { resolveStateDir, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { visibleJson } from "@adaos/core/wire";
import { ResilienceLog } from "@adaos/daemon";
import { FAULT_INJECTED } from "@adaos/supervise";
import { Command, Option } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import { parseCount } from "../../options/parse-count.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { bookFile, parseSpan, type TrafficOptions, untilInterrupted, withTraffic } from "./chaos-options.ts";

/** Longest time until a fault ends; long enough for the watchdog to find a process that hangs. */
const MAX_HOLD_MS = 8000;
const MIN_HOLD_MS = 500;
const MAX_ITERATIONS = 100_000;

interface InjectOptions extends TrafficOptions {
  readonly iterations?: number;
  /** Milliseconds. */
  readonly duration?: number;
  /** Milliseconds. */
  readonly pause: number;
  readonly seed?: number;
  readonly faults?: string;
  readonly report?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function chaosInjectCommand(terminal: Terminal): Command {
  return withTraffic(new Command("inject"))
    .description("inject faults into a running mesh, one after the other, and report how it recovered")
    .option("--iterations <n>", "number of faults (default: 10)", parseCount)
    .addOption(
      new Option("--duration <time>", "as many faults as there is time for: 60, 10m, 24h")
        .argParser(parseSpan)
        .conflicts("iterations"),
    )
    .option("--pause <time>", "time between two faults: 2, 30s", parseSpan, 2000)
    .option("--seed <n>", "repeats the faults of an earlier run", parseCount)
    .option("--faults <names>", "which, with commas: see adaos chaos faults (default: all that lose nothing)")
    .option("--report <file>", "also write a report in Markdown; an old one is replaced")
    .option("--dry-run", "only show the planned faults")
    .option("--yes", "also faults after which stored events may be gone for good")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      '\nThe mesh file must say "chaos: allowed". Exit code 70: the mesh did not keep its promise.',
    )
    .addHelpText(
      "after",
      "\nExample:\n  adaos chaos inject --iterations 20 --pause 2 --seed 7 --report report.md",
    )
    .action((options: InjectOptions) => run(options, terminal));
}

async function run(options: InjectOptions, terminal: Terminal): Promise<void> {
  const stateDir = resolveStateDir(options.state);
  const mesh = ChaosMesh.open(stateDir);
  const faults = faultsOf(options.faults?.split(",").map((name) => name.trim()));
  const losing = faults.filter(({ losesEvents }) => losesEvents).map(({ name }) => name);
  if (losing.length > 0 && options.yes !== true && options.dryRun !== true) {
    throw new MeshError(
      "usage",
      `after ${losing.join(", ")} stored events may be gone for good; confirm with --yes`,
    );
  }
  const seed = options.seed ?? randomInt(1, 2 ** 31);
  const choices = faults.map((fault) => ({ name: fault.name, targets: fault.targets(mesh) }));
  const wanted = options.duration === undefined ? (options.iterations ?? 10) : MAX_ITERATIONS;
  const iterations = Math.min(wanted, MAX_ITERATIONS);
  const plan = planFaults(choices, { iterations, seed, minHoldMs: MIN_HOLD_MS, maxHoldMs: MAX_HOLD_MS });
  if (options.dryRun === true) {
    for (const planned of options.duration === undefined ? plan : plan.slice(0, 100))
      terminal.out(options.json === true ? JSON.stringify(planned) : lineOf(planned));
    return terminal.say(`seed ${seed}: nothing was done`);
  }
  const route = await findRoute(mesh, options);
  const book = bookFile(options, stateDir);
  terminal.say(
    `seed ${seed}; ${route.event} from ${route.from} to ${route.to}, ${options.rate}/s; book: ${book}`,
  );
  const traffic = await Traffic.open(mesh, route, book);
  const witness = new Witness(mesh);
  const log = new ResilienceLog(stateDir);
  try {
    traffic.start(options.rate);
    const act = { action: "chaos.inject", what: faults.map(({ name }) => name).join(", ") };
    const samples = await audited(options, terminal, act, async (tally) => {
      const done = await inject(mesh, traffic, faults, plan, {
        pauseMs: options.pause,
        limitMs: options.limit,
        onSample: (sample) => {
          log.warn(FAULT_INJECTED, sample);
          terminal.out(options.json === true ? visibleJson(sample) : line(sample));
        },
        signal: untilInterrupted(options.duration),
      });
      tally(done.length);
      return done;
    });
    await traffic.stop();
    await untilDrained(traffic, options.limit);
    const summary = summaryOf(seed, samples, await balanceOf(mesh, route, book, traffic), witness.stop());
    if (options.report !== undefined) {
      const file = resolve(options.report);
      mkdirSync(dirname(file), { recursive: true });
      writeWhole(file, reportOf(summary, samples));
      terminal.say(`report: ${file}`);
    }
    if (options.json === true) terminal.out(visibleJson(summary));
    else for (const [name, value] of summaryRows(summary)) terminal.out(`${name}: ${value}`);
    if (!isPassed(summary)) process.exitCode = EXIT_CODES.internal;
  } finally {
    witness.stop();
    await traffic.close();
  }
}

function lineOf({ fault, target, holdMs }: PlannedFault): string {
  return `${fault} ${target} for ${(holdMs / 1000).toFixed(1)} s`;
}

function line({ iteration, fault, target, detail, flow_ms, ready_ms, unready }: FaultSample): string {
  const recovered = `flows after ${inSeconds(flow_ms)}, ready after ${inSeconds(ready_ms)}`;
  const problem = unready.length === 0 ? "" : `; NOT RECOVERED: ${unready.join("; ")}`;
  return `${iteration} ${fault} ${target}: ${detail}; ${recovered}${problem}`;
}
