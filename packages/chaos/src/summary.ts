import type { Balance } from "./book/check-book.ts";
import type { FaultSample } from "./inject.ts";
import type { LogLoss } from "./witness/log-witness.ts";
import { isFlat, type MemoryUse } from "./witness/memory-witness.ts";
import type { Witnessed } from "./witness/witness.ts";

/** The figures of a run. Durations are milliseconds. */
export interface ChaosSummary {
  readonly seed: number;
  readonly faults: number;
  /** Faults that could not be injected. */
  readonly not_done: number;
  /** Faults after which an operator would have had to act. */
  readonly interventions: number;
  readonly mean_recovery_ms: number | null;
  readonly max_recovery_ms: number | null;
  readonly published: number;
  readonly effects: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly reordered: readonly string[];
  readonly dead: readonly string[];
  readonly pending: readonly string[];
  readonly logs: LogLoss;
  readonly memory: MemoryUse | null;
}

/** R96: less than this share of the log lines around a fatal failure is missing. */
const MAX_LOG_LOSS = 0.01;

/** Pure. */
export function summaryOf(
  seed: number,
  samples: readonly FaultSample[],
  balance: Balance,
  { logs, memory }: Witnessed,
): ChaosSummary {
  const done = samples.filter(({ detail }) => !detail.startsWith("not done"));
  const recovered = done.flatMap(({ flow_ms }) => (flow_ms === null ? [] : [flow_ms]));
  return {
    seed,
    faults: done.length,
    not_done: samples.length - done.length,
    interventions: done.filter(({ unready }) => unready.length > 0).length,
    mean_recovery_ms:
      recovered.length === 0 ? null : Math.round(recovered.reduce((a, b) => a + b, 0) / recovered.length),
    max_recovery_ms: recovered.length === 0 ? null : Math.max(...recovered),
    published: balance.published,
    effects: balance.effects,
    lost: balance.lost,
    doubled: balance.doubled,
    reordered: balance.reordered,
    dead: balance.dead,
    pending: balance.pending,
    logs,
    memory,
  };
}

/** Whether the mesh met its promises. */
export function isPassed(summary: ChaosSummary): boolean {
  const { interventions, lost, doubled, reordered, dead, pending, logs, memory } = summary;
  const wrong = [lost, doubled, reordered, dead, pending].some(({ length }) => length > 0);
  const isLogKept = lossOf(logs) < MAX_LOG_LOSS && logs.torn === 0;
  return interventions === 0 && !wrong && isLogKept && (memory === null || isFlat(memory));
}

function lossOf({ starts, missing }: LogLoss): number {
  return missing / Math.max(1, starts);
}

/** The figures with their names, for people. Pure. */
export function summaryRows(summary: ChaosSummary): readonly (readonly [string, string])[] {
  return [
    ["Seed", String(summary.seed)],
    ["Faults", `${summary.faults}${summary.not_done === 0 ? "" : `, ${summary.not_done} could not be done`}`],
    ["Events published", String(summary.published)],
    ["Effects", String(summary.effects)],
    ["Lost", list(summary.lost)],
    ["Doubled", list(summary.doubled)],
    ["Out of order", list(summary.reordered)],
    ["Dead letters", list(summary.dead)],
    ["Still pending", list(summary.pending)],
    ["Interventions needed", String(summary.interventions)],
    ["Recovery, mean", inSeconds(summary.mean_recovery_ms)],
    ["Recovery, longest", inSeconds(summary.max_recovery_ms)],
    ["Log loss", logText(summary.logs)],
    ["Memory of all processes", memoryText(summary.memory)],
  ];
}

/** `1.2 s`; `never` for `null`. Pure. */
export function inSeconds(ms: number | null): string {
  return ms === null ? "never" : `${(ms / 1000).toFixed(1)} s`;
}

function logText(logs: LogLoss): string {
  const { lines, torn, starts, missing } = logs;
  const percent = (lossOf(logs) * 100).toFixed(1);
  return `${percent} %: ${missing} of ${starts} starts not told of, ${torn} of ${lines} lines torn`;
}

function memoryText(memory: MemoryUse | null): string {
  if (memory === null) return "not known";
  const { first_mb, last_mb } = memory;
  const how = isFlat(memory) ? "flat" : "GROWS";
  return `${how}: ${first_mb} MiB in the first third, ${last_mb} MiB in the last`;
}

function list(ids: readonly string[]): string {
  return ids.length === 0
    ? "0"
    : `${ids.length}: ${ids.slice(0, 20).join(", ")}${ids.length > 20 ? " …" : ""}`;
}

/** The report in Markdown. Pure. */
export function reportOf(summary: ChaosSummary, samples: readonly FaultSample[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return [
    "# Chaos report",
    "",
    `The mesh ${isPassed(summary) ? "kept" : "did not keep"} what it promises. Recovery is the time from a fault to the`,
    "first event that was published after it and took effect.",
    "",
    "| | |",
    "|---|---|",
    ...summaryRows(summary).map(([name, value]) => `| ${name} | ${cell(value)} |`),
    "",
    "| # | Fault | Target | Detail | Held | Flows after | Ready after | Not ready |",
    "|---|---|---|---|---|---|---|---|",
    ...samples.map((one) => {
      const cells = [
        String(one.iteration),
        one.fault,
        one.target,
        one.detail,
        inSeconds(one.held_ms),
        inSeconds(one.flow_ms),
        inSeconds(one.ready_ms),
        one.unready.join("; "),
      ];
      return `| ${cells.map(cell).join(" | ")} |`;
    }),
    "",
  ].join("\n");
}
