import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HOME } from "../kit/mesh.ts";

interface BenchResult {
  readonly conditions: { readonly durability: string; readonly cpus: number };
  readonly rows: readonly { scenario: string; contender: string; metric: string; median: number }[];
}

test("the benchmark measures every contender and leaves nothing running", async () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-bench-test-"));
  const file = join(dir, "bench.json");
  const args = ["--scenarios", "S2,S5b", "--rounds", "1", "--scale", "0.02", "--output", file];
  const bench = join(HOME, "packages/bench/bin/bench.mjs");
  const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>(
    (resolve) => {
      // Its mesh lives in a folder of this one, so that what is left of it shows.
      const env = { ...process.env, TMPDIR: dir };
      execFile(process.execPath, [bench, ...args], { env }, (error, out, err) => {
        resolve({ code: error?.code ?? 0, stdout: out, stderr: err });
      });
    },
  );
  expect([code, stderr]).toEqual([0, expect.stringContaining("S5b")]);
  const { conditions, rows } = JSON.parse(readFileSync(file, "utf8")) as BenchResult;
  expect(conditions).toMatchObject({ durability: "synced" });
  expect(rows.map(({ scenario, contender, metric }) => `${scenario} ${contender} ${metric}`).sort()).toEqual([
    "S2 adaos handled",
    "S2 adaos published",
    "S2 adaos-bare handled",
    "S2 adaos-bare published",
    "S2 raw handled",
    "S2 raw published",
    "S5b adaos handled",
    "S5b adaos-bare handled",
  ]);
  for (const { median } of rows) expect(median).toBeGreaterThan(0);
  for (const { scenario, contender } of rows)
    expect(stdout).toMatch(new RegExp(`${scenario} .*${contender} `));
  expect(readFileSync(file, "utf8")).not.toContain(dir);
  rmSync(dir, { recursive: true });
});
