import { cpus } from "node:os";
import type { Measured } from "./scenarios.ts";
import { type Spread, spreadOf } from "./statistics.ts";

/** One row: a number of a contender, over all rounds, and as a share of the raw client's where that ran too. */
export interface Row extends Spread {
  readonly scenario: string;
  readonly title: string;
  readonly conditions: string;
  readonly contender: string;
  readonly metric: string;
  readonly unit: string;
  readonly rounds: number;
  readonly ratioToRaw?: number;
}

export interface Round {
  readonly scenario: string;
  readonly title: string;
  readonly conditions: string;
  readonly contender: string;
  readonly measured: readonly Measured[];
}

/** What all rounds together say. Pure. */
export function rowsOf(rounds: readonly Round[]): Row[] {
  const byKey = new Map<string, { row: Omit<Row, keyof Spread | "rounds">; values: number[] }>();
  for (const { measured, ...about } of rounds) {
    for (const { metric, unit, value } of measured) {
      const key = `${about.scenario} ${metric} ${about.contender}`;
      const held = byKey.get(key) ?? { row: { ...about, metric, unit }, values: [] };
      held.values.push(value);
      byKey.set(key, held);
    }
  }
  return [...byKey.values()].map(({ row, values }) => {
    const raw = byKey.get(`${row.scenario} ${row.metric} raw`);
    const spread = spreadOf(values);
    const ratio =
      raw === undefined || row.contender === "raw"
        ? {}
        : { ratioToRaw: spread.median / spreadOf(raw.values).median };
    return { ...row, ...spread, rounds: values.length, ...ratio };
  });
}

/** Lines of a table. Pure. */
export function tableOf(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.scenario,
    row.metric,
    row.contender,
    format(row.median),
    `${format(row.min)} to ${format(row.max)}`,
    row.unit,
    row.ratioToRaw === undefined ? "" : `${row.ratioToRaw.toFixed(2)} of raw`,
    row.conditions,
  ]);
  const all = [["", "", "contender", "median", "min to max", "", "", "conditions"], ...cells];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function format(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

/** What the numbers depend on beside the code. */
export function conditionsHere(durability: string): Readonly<Record<string, string | number>> {
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpus: cpus().length,
    cpu: cpu?.model.trim() ?? "unknown",
    durability,
  };
}
