import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { beforeAll, describe, expect, test } from "vitest";
import { HOME } from "../../../../test/kit/mesh.ts";
import { parseCases } from "./cases/case-file.ts";
import { runScenarioCase } from "./cases/run-case.ts";
import { checkScenarios } from "./check/check-scenario.ts";
import { compileScenario } from "./engine/compile.ts";
import { scenarioFile } from "./file/read-scenario.ts";

const guide = readFileSync(join(HOME, "docs/guide/scenarios.md"), "utf8");
const reference = readFileSync(join(HOME, "docs/reference/scenario-yaml.md"), "utf8");
/** Files of the guide: each block says its path first. */
const blocks = new Map(
  [...guide.matchAll(/^```yaml\n# (\S+)\n(.*?)^```$/gms)].map(([, path = "", text = ""]) => [path, text]),
);
const scenarios = [...blocks].filter(([path]) => path.endsWith("/scenario.yaml"));

let registry: FileRegistry;
beforeAll(async () => {
  registry = await loadRegistry(join(HOME, "schemas/events"));
});

describe("docs/guide/scenarios.md", () => {
  test("has scenarios without a problem", () => {
    expect(scenarios.length).toBeGreaterThan(3);
    const files = scenarios.map(([path, text]) => scenarioFile(text, path));
    expect(checkScenarios(files, { registry })).toEqual([]);
  });

  test("has cases that hold", () => {
    const cases = [...blocks].filter(([path]) => path.endsWith("/scenario.test.yaml"));
    expect(cases.length).toBeGreaterThan(0);
    for (const [path, text] of cases) {
      const file = parseCases(text, path);
      const scenario = compileScenario("wake", blocks.get(path.replace(".test", "")) ?? "");
      for (const i of file.cases.keys())
        expect(runScenarioCase(scenario, file, i, registry).problems, path).toEqual([]);
    }
  });

  test("waits ten minutes before it tells of an unhealthy database", () => {
    const cases = `cases:
  - name: tells it once
    given:
      - { at: 0s, event: infra.database.health.checked@2, data: { status: unhealthy, latency_ms: 1, probe: db } }
      - { at: 9m, event: infra.database.health.checked@2, data: { status: unhealthy, latency_ms: 1, probe: db } }
      - { at: 30m, event: infra.database.health.checked@2, data: { status: unhealthy, latency_ms: 1, probe: db } }
    until: 2h
    expect: [{ at: 10m, publish: ui.notify, data: { text: Database db has been unhealthy for ten minutes } }]`;
    const scenario = compileScenario("database", blocks.get("scenarios/database/scenario.yaml") ?? "");
    expect(runScenarioCase(scenario, parseCases(cases, "cases"), 0, registry).problems).toEqual([]);
  });
});

describe("docs/guide/automate.md", () => {
  const heating = join(HOME, "examples/heating");
  const text = readFileSync(join(HOME, "docs/guide/automate.md"), "utf8");
  const steps = [...text.matchAll(/^```yaml\n# (\S+)\n(.*?)^```$/gms)].map(
    ([, path = "", of = ""]) => [path, of] as const,
  );

  test("has the files of the example", () => {
    expect(steps.map(([path]) => path)).toEqual([
      "mesh.yaml",
      "scenarios/heating/scenario.yaml",
      "scenarios/heating/scenario.test.yaml",
    ]);
    for (const [path, of] of steps) expect(readFileSync(join(heating, path), "utf8")).toContain(of);
  });

  test("has a scenario without a problem, and cases that hold", async () => {
    const own = await loadRegistry(join(heating, "schemas/events"));
    const [, [path = "", of = ""] = [], [casesPath = "", cases = ""] = []] = steps;
    expect(checkScenarios([scenarioFile(of, path)], { registry: own })).toEqual([]);
    const file = parseCases(cases, casesPath);
    const scenario = compileScenario("heating", of);
    for (const i of file.cases.keys())
      expect(runScenarioCase(scenario, file, i, own).problems, file.cases[i]?.name).toEqual([]);
  });
});

describe("docs/reference/scenario-yaml.md", () => {
  test("names every key of every form", () => {
    const texts = [
      "effects: [{ stop: x }]\nzzzzzz: 1",
      "effects: [{ stop: x, zzzzzz: 1 }]",
      "triggers: [{ event: a.b, zzzzzz: 1 }, { every: 5s, zzzzzz: 1 }]\neffects: [{ stop: x }]",
      `effects:\n${[
        "publish: a.b",
        "request: a.b",
        "delay: 5s",
        "wait: a.b",
        "choose: []",
        "parallel: []",
        "repeat: []",
      ]
        .map((effect) => `  - { ${effect}, zzzzzz: 1 }`)
        .join("\n")}`,
    ];
    const keys = texts
      .flatMap((text) => scenarioFile(text, "a/x/scenario.yaml").problems)
      .flatMap(({ message }) => /; known are (.*)$/.exec(message)?.[1]?.split(", ") ?? []);
    expect(new Set(keys).size).toBeGreaterThan(35);
    expect([...new Set(keys)].filter((key) => !new RegExp(`\`${key}\\b`).test(reference))).toEqual([]);
  });
});
