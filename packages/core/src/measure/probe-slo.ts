import {
  countUpTo,
  EMPTY_HISTOGRAM,
  type HistogramSnapshot,
  mergeHistograms,
  quantile,
} from "./histogram.ts";
import type { Counted, MetricsSnapshot } from "./metrics.ts";

/** The objective of a probe: this share of all looks is answered within this time. */
export interface ProbeObjective {
  readonly targetMs: number;
  /** 0.95 means a P95 below the target. */
  readonly share: number;
}

export const PROBE_OBJECTIVE: ProbeObjective = { targetMs: 200, share: 0.95 };

/** The looks of one hour, or of all hours. */
export interface ProbeLooks {
  readonly looks: number;
  /** Looks without an answer. */
  readonly failed: number;
  /** Looks that were answered within the target. */
  readonly good: number;
  /** P95 of the answers; `null` without answers. */
  readonly p95_ms: number | null;
}

/** How a probe meets its objective. The command line prints it as JSON unchanged. */
export interface ProbeSlo extends ProbeLooks {
  /** `alpha/kitchen`. */
  readonly node: string;
  readonly probe: string;
  readonly environment: string;
  readonly database_type: string;
  readonly target_ms: number;
  readonly objective: number;
  /** Share of the looks that were good. */
  readonly attained: number;
  /** Looks that the objective allows to be bad. */
  readonly budget: number;
  /** Share of the budget that is left; below 0 when it is overspent. */
  readonly budget_left: number;
  readonly met: boolean;
  /** By the hour's beginning, RFC 3339, oldest first. */
  readonly by_hour: Readonly<Record<string, ProbeLooks>>;
}

interface Sums {
  looks: number;
  failed: number;
  answers: HistogramSnapshot;
}

/** The objective of each probe, computed from the hours of its members. Pure. */
export function probeSlos(
  snapshots: readonly MetricsSnapshot[],
  { targetMs, share }: ProbeObjective = PROBE_OBJECTIVE,
): ProbeSlo[] {
  const probes = new Map<string, { who: readonly string[]; all: Sums; hours: Map<string, Sums> }>();
  for (const { node, hour, ...counted } of snapshots) {
    const sumsOf = ([probe = "", environment = "", type = ""]: readonly string[]): readonly Sums[] => {
      const who = [node, probe, environment, type];
      const key = who.join(" ");
      const known = probes.get(key) ?? { who, all: newSums(), hours: new Map<string, Sums>() };
      const ofHour = known.hours.get(hour) ?? newSums();
      known.hours.set(hour, ofHour);
      probes.set(key, known);
      return [known.all, ofHour];
    };
    addUp(counted, sumsOf);
  }
  return [...probes.values()].map(({ who, all, hours }) => {
    const [node = "", probe = "", environment = "", database_type = ""] = who;
    const total = looksOf(all, targetMs);
    const attained = total.looks === 0 ? 1 : total.good / total.looks;
    const budget = (1 - share) * total.looks;
    const bad = total.looks - total.good;
    return {
      node,
      probe,
      environment,
      database_type,
      target_ms: targetMs,
      objective: share,
      ...total,
      attained,
      budget,
      budget_left: budget === 0 ? 1 : 1 - bad / budget,
      met: attained >= share,
      by_hour: Object.fromEntries(
        [...hours]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([hour, sums]) => [hour, looksOf(sums, targetMs)]),
      ),
    };
  });
}

function newSums(): Sums {
  return { looks: 0, failed: 0, answers: EMPTY_HISTOGRAM };
}

function addUp(counted: Counted, sumsOf: (labels: readonly string[]) => readonly Sums[]): void {
  for (const [metric, labels, count] of counted.counters) {
    if (metric !== "probeLooks") continue;
    for (const sums of sumsOf(labels)) {
      sums.looks += count;
      if (labels[3] === "failed") sums.failed += count;
    }
  }
  for (const [metric, labels, values] of counted.histograms) {
    if (metric !== "probeMs") continue;
    for (const sums of sumsOf(labels)) sums.answers = mergeHistograms(sums.answers, values);
  }
}

function looksOf({ looks, failed, answers }: Sums, targetMs: number): ProbeLooks {
  const good = Math.min(countUpTo(answers, targetMs), looks);
  return { looks, failed, good, p95_ms: answers.count === 0 ? null : quantile(answers, 0.95) };
}
