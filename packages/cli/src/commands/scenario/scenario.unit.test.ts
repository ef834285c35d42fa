import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../../../test/kit/mesh.ts";
import { styles, type Terminal } from "../../terminal/terminal.ts";
import { scenarioCheckCommand } from "./check.ts";
import { scenarioNewCommand } from "./new.ts";
import { scenarioTestCommand } from "./test.ts";

const REGISTRY = ["--registry", join(HOME, "schemas/events")];
const MESH = ["--config", join(HOME, "deploy/mesh.yaml")];
let dir: string;
let out: string[];
let said: string[];
const terminal: Terminal = {
  out: (line) => void out.push(line),
  say: (line) => void said.push(line),
  outIsTty: false,
  colors: styles(false),
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "scenario-"));
  out = [];
  said = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true });
  process.exitCode = 0;
});

const begin = (...args: readonly string[]): Promise<unknown> =>
  scenarioNewCommand(terminal).parseAsync([...args, "--dir", dir, ...REGISTRY], { from: "user" });
const check = (...args: readonly string[]): Promise<unknown> =>
  scenarioCheckCommand(terminal).parseAsync([dir, ...REGISTRY, ...args], { from: "user" });
const runCases = (...args: readonly string[]): Promise<unknown> =>
  scenarioTestCommand(terminal).parseAsync([dir, ...REGISTRY, ...args], { from: "user" });

function edit(name: string, from: string, to: string): void {
  const path = join(dir, name);
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

describe("adaos scenario", () => {
  test("new writes scenarios without a fault, whose cases hold", async () => {
    await begin("morning");
    await begin("lights", "--event", "nlp.intent.detected", "--publish", "ui.notify@1");
    await check();
    await runCases();
    expect(out.slice(-2)).toEqual(["2 scenarios, 0 errors, 0 warnings", "2 of 2 cases hold"]);
    expect(process.exitCode ?? 0).toBe(0);
  });

  test("new overwrites nothing, and writes nothing for a dry run or another name", async () => {
    await begin("morning", "--dry-run");
    expect(out[0]).toMatch(/^would create .*morning\/scenario.yaml$/);
    await begin("morning");
    edit("morning/scenario.yaml", "single", "queued");
    await expect(begin("morning")).rejects.toThrow("is never overwritten");
    expect(readFileSync(join(dir, "morning/scenario.yaml"), "utf8")).toContain("mode: queued");
    await expect(begin("../up")).rejects.toThrow('the scenario\'s name "../up"');
    await expect(begin("up", "--publish", "ui.notfy")).rejects.toThrow("did you mean ui.notify?");
  });

  test("check prints each problem as file:line:column, and exits with 78", async () => {
    await begin("morning");
    edit("morning/scenario.yaml", "text", "txt");
    await check();
    expect(said[0]).toMatch(/morning\/scenario.yaml:\d+:\d+ error data\/t\S+ of ui.notify@1/);
    expect(process.exitCode).toBe(78);
    await check("--json");
    expect(JSON.parse(out.at(-1) ?? "")).toMatchObject({
      scenarios: 1,
      errors: 2,
      problems: [{ line: 8 }, { line: 8 }],
    });
  });

  test("check asks the policy of a member", async () => {
    await begin("lights", "--event", "nlp.intent.detected");
    await check("--as", "alpha/kitchen", ...MESH);
    expect(said[0]).toContain("policy does not let alpha/kitchen subscribe to nlp.intent.detected@1");
    await expect(check("--as", "alpha/nobody", ...MESH)).rejects.toThrow(
      "the mesh has no member alpha/nobody",
    );
  });

  test("test prints what happened in a case that fails, and exits with 1", async () => {
    await begin("morning");
    edit("morning/scenario.test.yaml", "at: 1m", "at: 30s");
    await runCases();
    expect(said.join("\n")).toMatch(
      /failed .*scenario.test.yaml:3:5 publishes at seven\n {2}.*:5:\d+ expected publish/,
    );
    expect(process.exitCode).toBe(1);
  });

  test("test refuses a scenario with errors, and names one without cases", async () => {
    await begin("morning");
    rmSync(join(dir, "morning/scenario.test.yaml"));
    await runCases();
    expect([said[0], out.at(-1)]).toEqual([
      expect.stringContaining("has no cases beside it"),
      "0 of 0 cases hold",
    ]);
    writeFileSync(join(dir, "morning/scenario.test.yaml"), "cases: [{ name: x, expect: [] }]");
    edit("morning/scenario.yaml", "mode: single", "mode: sngle");
    await expect(runCases()).rejects.toThrow(/scenario.yaml:3:7 mode/);
    await expect(
      scenarioTestCommand(terminal).parseAsync([join(dir, "none")], { from: "user" }),
    ).rejects.toThrow();
  });
});
