import { type ChildProcess, execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME, until } from "../kit/mesh.ts";

interface Report {
  readonly conditions: Readonly<Record<string, string | number>>;
  readonly contenders: Readonly<Record<string, string>>;
  readonly sections: readonly {
    readonly scenario: string;
    readonly durability: string;
    readonly rows: readonly {
      readonly contender: string;
      readonly metric: string;
      readonly median: number;
    }[];
  }[];
  readonly failed: readonly { readonly what: string; readonly why: string }[];
  readonly leftOut: readonly { readonly what: string }[];
}

interface Run {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

const LOSSY = join(HOME, "test/kit/lossy-contender.mjs");

describe("npm run bench", () => {
  let dir: string;
  let running: ChildProcess | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-bench-test-"));
  });
  afterEach(async () => {
    // A test that has run out of time leaves one: it stops its meshes in order, as after Ctrl-C.
    running?.kill("SIGINT");
    await until("the benchmark has ended", () => running === undefined, 60_000);
    rmSync(dir, { recursive: true, force: true });
  }, 70_000);

  test("measures what is asked for, and leaves nothing behind", async () => {
    const [file, markdown] = [join(dir, "bench.json"), join(dir, "bench.md")];
    const args = [
      "--scenarios",
      "S1,S2,S3,S4,S5,S6,S7d,S9,S11,S12",
      "--contenders",
      "adaos,raw",
      "--rounds",
      "1",
    ];
    const { code, stdout, stderr } = await bench([
      ...args,
      "--scale",
      "0.01",
      "--output",
      file,
      "--markdown",
      markdown,
    ]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("S12")]);
    const { conditions, sections, failed } = reportIn(file);
    expect(failed).toEqual([]);
    expect(conditions).toMatchObject({ durability: "synced", scale: 0.01, rounds: 1 });
    expect(conditions["nats-server"]).toMatch(/^\d+\.\d+\.\d+/);
    expect(sections.flatMap(namesOf)).toEqual([
      ...["p50", "p95", "p99"].flatMap((p) => [`S1 ${p} adaos`, `S1 ${p} raw`]),
      ...["S2a published", "S2b handled", "S2c handled", "S3 delivered", "S4 answered"].flatMap(both),
      ...["S4 one at a time p50", "S4 one at a time p99"].flatMap(both),
      ...["S5a p50", "S5a p95", "S5a p99", "S5b handled"].map((row) => `${row} adaos`),
      "S6 replayed adaos",
      "S6 handled again adaos",
      ...["cost of an event", "handled", "text"].flatMap((row) => [
        `S7d ${row} adaos, 1 KiB of text`,
        `S7d ${row} adaos, 255 KiB of text`,
      ]),
      ...["p50", "p95", "CPU of a publish"].flatMap((row) => [
        ...both(`S9 ${row}`),
        `S9 difference of ${row} adaos - raw`,
      ]),
      ...["sender", "receiver", "servers"].flatMap((of) => [
        ...both(`S11a ${of}`),
        ...both(`S11a ${of} in codecs`),
      ]),
      ...["sender", "receiver", "root daemon", "servers"].flatMap((of) => [
        `S11b ${of} adaos`,
        `S11b ${of} in codecs adaos`,
      ]),
      ...["p50", "p95"].flatMap((row) => [`S12 ${row} 10 durables`, `S12 ${row} 200 durables`]),
    ]);
    for (const { median, contender } of sections.flatMap(({ rows }) => rows)) {
      if (contender !== "adaos - raw") expect(median).toBeGreaterThan(0);
    }
    const table = readFileSync(markdown, "utf8");
    for (const { scenario } of sections) {
      expect(stdout).toContain(`${scenario} `);
      expect(table).toContain(`### ${scenario} `);
    }
    // No path of this machine.
    expect(readFileSync(file, "utf8") + table).not.toContain(dir);
    expect(left()).toEqual([]);
  }, 300_000);

  test("has no number of a contender that loses a text, and tells so", async () => {
    const [file, whole] = [join(dir, "bench.json"), join(dir, "whole-contender.mjs")];
    cpSync(LOSSY, whole);
    const contenders = `${LOSSY},${whole}`;
    const { code, stderr } = await bench(
      [
        "--scenarios",
        "S2b",
        "--contenders",
        contenders,
        "--rounds",
        "2",
        "--scale",
        "0.0005",
        "--output",
        file,
      ],
      { ADAOS_BENCH_STALL_MS: "5000" },
    );
    const { sections, failed } = reportIn(file);
    expect([code, stderr]).toEqual([1, expect.stringContaining("19 of 20")]);
    expect(failed).toEqual([
      { what: `S2b (synced), ${LOSSY}, round 1`, why: expect.stringContaining("19 of 20") },
    ]);
    expect(sections.flatMap(namesOf)).toEqual([`S2b handled ${whole}`]);
    expect(left()).toEqual([]);
  }, 120_000);

  test("stops everything when it is interrupted", async () => {
    let started: ChildProcess | undefined;
    let told = "";
    const ending = bench(["--scenarios", "S2a", "--contenders", "raw"], {}, (child) => {
      started = child;
      child.stderr?.on("data", (chunk: Buffer) => {
        told += chunk.toString();
      });
    });
    await until("a run has begun", () => told.includes("round 1"), 60_000);
    started?.kill("SIGINT");
    const { code, stdout } = await ending;
    expect([code, stdout]).toEqual([130, ""]);
    expect(left()).toEqual([]);
  }, 120_000);

  test("--list tells scenarios and contenders", async () => {
    const { code, stdout } = await bench(["--list"]);
    expect(code).toBe(0);
    for (const name of ["S1 ", "S2c", "S8 ", "adaos: ", "raw: "]) expect(stdout).toContain(name);
  });

  function bench(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    onStart: (child: ChildProcess) => void = () => undefined,
  ): Promise<Run> {
    const file = join(HOME, "packages/bench/bin/bench.mjs");
    return new Promise((resolve) => {
      // Its meshes live in a folder of this one, so that what is left of them shows.
      const options = { env: { ...process.env, TMPDIR: dir, ...env } };
      const child = execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
        running = undefined;
        resolve({ code: error?.code ?? 0, stdout, stderr });
      });
      running = child;
      onStart(child);
    });
  }

  /** The folders of meshes; each is removed once its processes have ended. */
  function left(): string[] {
    return readdirSync(dir).filter((name) => name.startsWith("adaos-bench-"));
  }
});

const both = (row: string): string[] => [`${row} adaos`, `${row} raw`];

function namesOf({ scenario, rows }: Report["sections"][number]): string[] {
  return rows.map(({ metric, contender }) => `${scenario} ${metric} ${contender}`);
}

function reportIn(file: string): Report {
  return JSON.parse(readFileSync(file, "utf8")) as Report;
}
