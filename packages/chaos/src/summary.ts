import type { Balance } from "./book/check-book.ts";
import type { FaultSample } from "./inject.ts";

/** All of a run in figures. Durations are milliseconds. */
export interface ChaosSummary {
  readonly seed: number;
  readonly faults: number;
  /** Faults that could not be done. */
  readonly not_done: number;
  /** Faults after which somebody would have had to act. */
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
}

/** Pure. */
export function summaryOf(seed: number, samples: readonly FaultSample[], balance: Balance): ChaosSummary {
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
  };
}

/** Whether the mesh kept what it promises. */
export function isPassed({ interventions, lost, doubled, reordered, dead, pending }: ChaosSummary): boolean {
  return interventions + lost.length + doubled.length + reordered.length + dead.length + pending.length === 0;
}

/** The figures by their names, for people. Pure. */
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
  ];
}

/** `1.2 s`; `never` of what did not happen. Pure. */
export function inSeconds(ms: number | null): string {
  return ms === null ? "never" : `${(ms / 1000).toFixed(1)} s`;
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
