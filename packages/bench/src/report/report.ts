import type { Durability } from "@adaos/core/wire";
import type { Measured } from "../scenario.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** The result of one run of one contender. */
export interface Round {
  readonly durability: Durability;
  readonly scenario: string;
  readonly contender: string;
  readonly measured: readonly Measured[];
}

/** One row: a number of a contender, over all rounds. */
export interface Row extends Spread {
  readonly contender: string;
  readonly metric: string;
  readonly unit: string;
  readonly rounds: number;
  /** Its median as a multiple of the reference's, if that ran too. */
  readonly ratio?: number;
  /** The median of `adaos` as a multiple of this one, if that ran too. */
  readonly adaosRatio?: number;
}

/** One scenario at one durability, with its results. */
export interface Section {
  readonly durability: Durability;
  readonly scenario: string;
  readonly title: string;
  readonly conditions: string;
  readonly reference: string;
  readonly rows: readonly Row[];
}

/** A run without a number, or a contender that could not take part. */
export interface Miss {
  readonly what: string;
  readonly why: string;
}

/** All results of a benchmark. */
export interface Report {
  readonly conditions: Readonly<Record<string, string | number>>;
  /** Name to description. */
  readonly contenders: Readonly<Record<string, string>>;
  readonly sections: readonly Section[];
  readonly failed: readonly Miss[];
  readonly leftOut: readonly Miss[];
}

const OURS = "adaos";

/** The rows of one scenario's rounds at one durability: one for each contender and metric. Pure. */
export function rowsOf(rounds: readonly Round[], reference: string): Row[] {
  const byKey = new Map<string, { contender: string; metric: string; unit: string; values: number[] }>();
  const keyOf = (contender: string, metric: string): string => `${metric} of ${contender}`;
  for (const round of rounds) {
    for (const { metric, unit, value, contender = round.contender } of round.measured) {
      const key = keyOf(contender, metric);
      const held = byKey.get(key) ?? { contender, metric, unit, values: [] };
      held.values.push(value);
      byKey.set(key, held);
    }
  }
  const medianOf = (contender: string, metric: string): number | undefined => {
    const values = byKey.get(keyOf(contender, metric))?.values;
    return values === undefined ? undefined : spreadOf(values).median;
  };
  const inOrder = [...byKey.values()].toSorted(byFirst([...byKey.values()].map(({ metric }) => metric)));
  return inOrder.map(({ contender, metric, unit, values }) => {
    const spread = spreadOf(values);
    const than = contender === reference ? undefined : medianOf(reference, metric);
    const ours = contender === OURS ? undefined : medianOf(OURS, metric);
    return {
      contender,
      metric,
      unit,
      ...spread,
      rounds: values.length,
      ...(than === undefined ? {} : { ratio: spread.median / than }),
      ...(ours === undefined ? {} : { adaosRatio: ours / spread.median }),
    };
  });
}

/** Metrics in the order of their first value, contenders below each other. */
function byFirst(metrics: readonly string[]): (a: { metric: string }, b: { metric: string }) => number {
  return (a, b) => metrics.indexOf(a.metric) - metrics.indexOf(b.metric);
}

const HEAD = ["", "contender", "median", "min to max", "unit"] as const;

/** The cells of a section's table, its head first; empty columns are left out. Pure. */
export function cellsOf({ rows, reference }: Section): string[][] {
  const hasRatio = rows.some(({ ratio }) => ratio !== undefined);
  // For the reference itself the other column shows it already.
  const hasOurs = rows.some(
    ({ contender, adaosRatio }) => adaosRatio !== undefined && (contender !== reference || !hasRatio),
  );
  const times = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(2));
  const head = [...HEAD, ...(hasRatio ? [`/ ${reference}`] : []), ...(hasOurs ? [`${OURS} / it`] : [])];
  const body = rows.map(({ metric, contender, median, min, max, unit, ratio, adaosRatio }) => [
    metric,
    contender,
    format(median),
    `${format(min)} to ${format(max)}`,
    unit,
    ...(hasRatio ? [times(ratio)] : []),
    ...(hasOurs ? [times(adaosRatio)] : []),
  ]);
  return [head, ...body];
}

/** Lines of a section for a terminal. Pure. */
export function linesOf(section: Section): string[] {
  const cells = cellsOf(section);
  const widths = cells[0]?.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [headingOf(section), `  ${section.conditions}`, ...cells.map((row) => `  ${line(row)}`), ""];
}

/** Pure. */
export function headingOf({ scenario, title, durability }: Section): string {
  return `${scenario} ${title} (${durability})`;
}

function format(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}
