// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax under test
import { join } from "node:path";
import { readMeshFile } from "@adaos/config";
import { compilePolicy, Policy } from "@adaos/core";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { beforeAll, describe, expect, test } from "vitest";
import { HOME } from "../../../../../test/kit/mesh.ts";
import { type ScenarioFile, scenarioFile } from "../file/read-scenario.ts";
import { checkScenarios } from "./check-scenario.ts";
import type { ScenarioContext } from "./checking.ts";

const RIGHT = `key: event.data.intent
triggers:
  - event: nlp.intent.detected@1
    when: event.data.intent == "install" && has(event.data.slots.skill)
conditions:
  - now.getHours("Europe/Berlin") >= 6
effects:
  - request: repo.skill.install@1
    data: { skill: "\${event.data.slots.skill}", version: "1.0.0" }
    as: answer
  - choose:
      - when: steps.answer.data.status == "installed"
        effects:
          - publish: ui.notify@1
            data: { text: "installed \${event.data.slots.skill}", level: info }
    otherwise:
      - stop: "\${steps.answer.data.status}"
  - wait: ui.notify@1
    when: received.data.text == "ok"
    timeout: 1m
    as: notice
  - repeat:
      - publish: ui.notify
        data: { text: "\${string(repeat.index)} \${steps.notice.data.text}" }
    times: 2
onError:
  - publish: ui.notify@1
    data: { text: "\${error.message}", level: error }
`;

let registry: FileRegistry;
let context: ScenarioContext;

beforeAll(async () => {
  registry = await loadRegistry(join(HOME, "schemas/events"));
  context = { registry };
});

function file(text: string, name = "install"): ScenarioFile {
  return scenarioFile(text, `scenarios/${name}/scenario.yaml`);
}

function told(files: readonly ScenarioFile[], of: ScenarioContext = context): string[] {
  return checkScenarios(files, of).map(({ line, column, severity, message }) => {
    return `${line}:${column} ${severity === "warning" ? "warning " : ""}${message}`;
  });
}

function changed(from: string, to: string): string {
  if (!RIGHT.includes(from)) throw new Error(`no ${from}`);
  return RIGHT.replace(from, to);
}

describe("checkScenarios()", () => {
  test("finds nothing in a scenario that is right", () => {
    expect(told([file(RIGHT)])).toEqual([]);
  });

  test.each([
    [
      "an unknown event",
      "event: nlp.intent.detected@1",
      "event: nlp.intent.detectd@1",
      /^3:12 .*did you mean nlp.intent.detected\?/,
    ],
    [
      "an unknown version",
      "publish: ui.notify@1",
      "publish: ui.notify@7",
      /^14:22 ui.notify has no version 7/,
    ],
    [
      "a prefix of nothing",
      "event: nlp.intent.detected@1",
      "event: npl.",
      /^3:12 the registry has no event of npl\./,
    ],
    [
      "a field in when",
      'event.data.intent == "install"',
      'event.data.intnet == "install"',
      /^4:22 event.data.intnet is no field of nlp.intent.detected@1; did you mean intent\?/,
    ],
    [
      "a field in key",
      "key: event.data.intent",
      "key: event.data.room",
      /^1:17 event.data.room is no field of .*; there are intent, slots, locale, confidence/,
    ],
    [
      "an envelope's field",
      "key: event.data.intent",
      "key: event.name",
      /^1:12 event.name is no field of nlp.intent.detected@1; there are event_id/,
    ],
    [
      "a field in a value",
      "installed ${event.data.slots.skill}",
      "installed ${event.data.slot.skill}",
      /^15:51 event.data.slot is no field/,
    ],
    [
      "a field of a reply",
      "steps.answer.data.status ==",
      "steps.answer.data.state ==",
      /^12:33 steps.answer.data.state is no field; there are/,
    ],
    [
      "a result that nobody names",
      "steps.notice.data.text",
      "steps.note.data.text",
      /^24:56 steps.note is no field/,
    ],
    ["a variable", "when: event.data", "when: evnt.data", /^4:11 no variable evnt; did you mean event\?/],
    [
      "a variable of another place",
      'received.data.text == "ok"',
      "repeat.index == 1",
      /^19:11 repeat is not known here/,
    ],
    ["a comparison of types", "received.data.text ==", "1 ==", /^19:11 no such overload: int == string/],
    [
      "a condition that is no condition",
      'received.data.text == "ok"',
      "received.data.text",
      /^19:11 must be true or false, is of type string/,
    ],
    ["no CEL", "now.getHours(", "now.getHours)(", /^6:\d+ /],
    [
      "an expression without an end",
      "${error.message}",
      "${error.message",
      /^28:20 the expression that begins here has no }/,
    ],
    [
      "a field that the schema lacks",
      "level: info",
      "level: info, sound: bell",
      /^15:\d+ data\/sound of ui.notify@1 is no property/,
    ],
    [
      "a value that the schema refuses",
      "level: info",
      "level: loud",
      /^15:73 data\/level of ui.notify@1 must be one of "info"/,
    ],
    [
      "a field that is missing",
      'text: "installed ${event.data.slots.skill}", ',
      "",
      /^15:19 data\/text of ui.notify@1 is required/,
    ],
    [
      "no data at all",
      '\n            data: { text: "installed ${event.data.slots.skill}", level: info }',
      "",
      /^14:13 data\/text of ui.notify@1 is required/,
    ],
    [
      "a value of another type",
      "installed ${event.data.slots.skill}",
      "${size(event.data.slots)}",
      /^15:28 data\/text of ui.notify@1 must be string, is int here/,
    ],
    [
      "a request of an event",
      "request: repo.skill.install@1",
      "request: repo.skill.installed@1",
      /^8:14 repo.skill.installed is no command/,
    ],
    [
      "a publish of a reply",
      "publish: ui.notify\n",
      "publish: repo.skill.install.result\n",
      /^23:18 repo.skill.install.result is a reply/,
    ],
    [
      "a field that may be missing",
      " && has(event.data.slots.skill)",
      ' && event.data.slots.skill == "x"',
      /^4:62 warning event.data.slots.skill may be missing .*; ask has/,
    ],
  ])("finds %s, and where", (_, from, to, expected) => {
    expect(told([file(changed(from, to))])[0]).toMatch(expected);
  });

  test("a field must be in the events of all triggers, unless has() asks", () => {
    const two = (when: string): string =>
      `triggers: [{ event: ui.notify@1 }, { every: 5m }]\nconditions: ['${when}']\neffects: [{ stop: x }]`;
    expect(told([file(two('event.data.text == "x"'))])).toEqual([
      "2:26 event.data.text is no field of the timer of trigger 2",
    ]);
    expect(told([file(two('has(event.data.text) && event.data.text == "x"'))])).toEqual([]);
  });

  test("a timer that never fires, and a zone that does not exist", () => {
    const of = (timer: string): string[] => told([file(`triggers: [{ ${timer} }]\neffects: [{ stop: x }]`)]);
    expect(of('cron: "0 0 30 2 *"')).toEqual(['1:20 the schedule "0 0 30 2 *" names a day that never comes']);
    expect(of("at: 2030-01-01T00:00, zone: Nowhere/Land")[0]).toContain("there is no time zone");
  });

  test("asks policy for each publish and subscription of the member", () => {
    const { mesh } = readMeshFile(join(HOME, "deploy/mesh.yaml"));
    const policy = new Policy(compilePolicy(mesh, registry.events));
    const of = (node: string): string[] =>
      told([file(RIGHT)], { registry, rights: { policy, as: { subnet: "alpha", node } } });
    expect(of("kitchen")).toEqual([
      expect.stringMatching(
        /^3:12 policy does not let alpha\/kitchen subscribe to nlp.intent.detected@1 \(rule default-deny\)/,
      ),
      expect.stringMatching(/^8:14 policy does not let alpha\/kitchen publish repo.skill.install/),
    ]);
  });

  test("tells cycles among scenarios, each once, and names that are taken", () => {
    const chain = (on: string, to: string): string =>
      `triggers: [{ event: ${on} }]\neffects: [{ publish: ${to}, data: { name: c } }]`;
    const files = [
      file(chain("ui.notify@1", "scenario.run@1"), "a"),
      file("effects:\n  - delay: 1s\n  - { publish: ui.notify@1, data: { text: x } }", "c"),
      file(chain("timer.tick", "scenario.run@1"), "d"),
      file("name: d\neffects: [{ stop: x }]", "e"),
    ];
    expect(told(files)).toEqual([
      "1:7 the name d is that of scenarios/d/scenario.yaml; give it another",
      "3:16 warning triggers itself: a -> c -> a; runs that cause each other end after 32",
    ]);
  });

  test("checks 200 scenarios in a short time", () => {
    const started = performance.now();
    const files = Array.from({ length: 200 }, (_, i) =>
      file(RIGHT.replaceAll('"install"', `"install ${i}"`), `s${i}`),
    );
    expect(checkScenarios(files, context)).toHaveLength(0);
    // Under 2 s on an idle machine: docs/decisions/scenarios.md.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
