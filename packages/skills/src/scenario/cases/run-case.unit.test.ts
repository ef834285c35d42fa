// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax under test
import { join } from "node:path";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { beforeAll, describe, expect, test } from "vitest";
import { HOME } from "../../../../../test/kit/mesh.ts";
import { compileScenario } from "../engine/compile.ts";
import { parseCases } from "./case-file.ts";
import { type CaseResult, runScenarioCase } from "./run-case.ts";

const SCENARIO = `cooldown: 10m
triggers:
  - event: ui.notify@1
    when: event.data.text == "install"
effects:
  - request: repo.skill.install@1
    data: { skill: lights }
    as: answer
    timeout: 1m
  - delay: 5s
  - publish: ui.notify@1
    data: { text: "\${steps.answer.data.status}", level: info }
`;
const CASES = `start: 2026-03-29T01:00
zone: Europe/Berlin
cases:
  - name: installs, and tells it
    given:
      - { at: 0s, event: ui.notify@1, data: { text: install } }
      - { at: 5m, event: ui.notify@1, data: { text: install } }
      - { at: 6m, event: ui.notify@1, data: { text: hello } }
    replies:
      - { request: repo.skill.install@1, data: { status: installed }, after: 2s }
    expect:
      - { at: 0s, request: repo.skill.install@1, data: { skill: lights } }
      - { at: 7s, publish: ui.notify@1, data: { text: installed } }
      - { at: 7s, outcome: succeeded }
      - { at: 5m, nothing: cooldown }
      - { at: 2026-03-29T01:06, nothing: condition }
`;

let registry: FileRegistry;
beforeAll(async () => {
  registry = await loadRegistry(join(HOME, "schemas/events"));
});

function run(cases: string, scenario = SCENARIO): CaseResult[] {
  const file = parseCases(cases, "scenario.test.yaml");
  return file.cases.map((_, i) => runScenarioCase(compileScenario("test", scenario), file, i, registry));
}

function changed(from: string, to: string): string {
  if (!CASES.includes(from)) throw new Error(`no ${from}`);
  return CASES.replace(from, to);
}

describe("runScenarioCase()", () => {
  test("holds where everything happens as expected, and tells what happens", () => {
    const [result] = run(CASES);
    expect(result?.problems).toEqual([]);
    expect(result?.timeline).toEqual([
      "0s given event ui.notify",
      '0s request repo.skill.install@1 {"skill":"lights"}',
      '7s publish ui.notify@1 {"text":"installed","level":"info"}',
      "7s run succeeded",
      "5m given event ui.notify",
      expect.stringMatching(
        /^5m nothing: cooldown \(until 2026-03-29T00:10:00.000Z; event.data.text = "install"\)/,
      ),
      "6m given event ui.notify",
      expect.stringMatching(/^6m nothing: condition \(.* is false; event.data.text = "hello"\)/),
    ]);
  });

  test.each([
    [
      "another time",
      "at: 7s, publish",
      "at: 8s, publish",
      /13:15 expected publish ui.notify@1 at 8s, is at 7s/,
    ],
    [
      "other data",
      "text: installed",
      "text: done",
      /13:9 publish ui.notify@1 at 7s: data.text must be "done", is "installed"/,
    ],
    [
      "another event",
      "at: 0s, request: repo.skill.install@1, data",
      "at: 0s, publish: scenario.run, data",
      /expected publish scenario.run, is request repo/,
    ],
    [
      "an effect that is not expected",
      "      - { at: 7s, publish: ui.notify@1, data: { text: installed } }\n",
      "",
      /also does publish ui.notify@1 at 7s/,
    ],
    [
      "an effect that does not happen",
      "after: 2s",
      "after: 2m",
      /13:9 expected publish ui.notify@1, but nothing more happens/,
    ],
    [
      "another cause",
      "nothing: cooldown",
      "nothing: mode",
      /expected nothing because of mode at 5m; it was because of cooldown/,
    ],
    [
      "another end",
      "outcome: succeeded",
      "outcome: failed",
      /expected a run that ends failed at 7s; there is succeeded at 7s/,
    ],
    [
      "an event that breaks its schema",
      "data: { text: hello }",
      "data: { txt: hello }",
      /8:9 data\/t\S+ of ui.notify@1 is/,
    ],
    [
      "an event that nobody knows",
      "event: ui.notify@1, data: { text: hello }",
      "event: ui.notfy@1",
      /8:9 no event "ui.notfy"/,
    ],
  ])("finds %s, and where", (_, from, to, expected) => {
    expect(run(changed(from, to))[0]?.problems.join("\n")).toMatch(expected);
  });

  test("a reply that is an error, and none at all", () => {
    expect(
      run(changed("data: { status: installed }, after: 2s", "error: no such skill"))[0]?.timeline,
    ).toContain("0s run failed (effects[0]: no such skill)");
    expect(run(CASES.replace(/ {4}replies:\n.*\n/, ""))[0]?.timeline).toContain(
      "1m run failed (effects[0]: no reply to repo.skill.install@1 within 60000 ms)",
    );
  });

  test("published data that breaks its schema", () => {
    const [result] = run(CASES, SCENARIO.replace("level: info", 'level: "${event.data.text}"'));
    expect(result?.problems.join("\n")).toMatch(/effects\[2\] data\/level of ui.notify@1 must be one of/);
  });

  test("timers, a run by hand, and a case that ends later than its last line", () => {
    const cases = `cases:
  - name: ticks
    given: [{ at: 30s, run: { text: now } }]
    until: 2m
    expect: [{ at: 30s, publish: ui.notify }, { at: 1m, publish: ui.notify }, { at: 2m, publish: ui.notify }]
`;
    const scenario = `mode: parallel\ntriggers: [{ every: 1m }]\neffects: [{ publish: ui.notify@1, data: { text: "\${trigger.kind}" } }]`;
    expect(run(cases, scenario)[0]?.problems).toEqual([]);
  });
});

describe("parseCases()", () => {
  test.each([
    [
      "no event",
      "event: ui.notify@1, data: { text: hello }",
      "data: {}",
      "needs exactly one of event and run",
    ],
    [
      "no expectation",
      "nothing: cooldown",
      "data: 1",
      "needs exactly one of publish, request, nothing and outcome",
    ],
    ["a key that is unknown", "replies:", "replys:", 'unknown key "replys"; did you mean replies?'],
    ["a time that is none", "at: 5m, event", "at: soon, event", "must be a time since the start"],
  ])("refuses %s", (_, from, to, expected) => {
    expect(() => parseCases(changed(from, to), "scenario.test.yaml")).toThrow(expected);
  });
});
