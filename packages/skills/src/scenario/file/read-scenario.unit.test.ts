import { describe, expect, test } from "vitest";
import { scenarioFile } from "./read-scenario.ts";

const problems = (text: string): string[] =>
  scenarioFile(text, "scenarios/x/scenario.yaml").problems.map(({ file, line, column, message }) => {
    return `${file}:${line}:${column} ${message}`;
  });
const RIGHT = "triggers:\n  - event: a.b\neffects:\n  - publish: ui.notify@1\n";

describe("scenarioFile()", () => {
  test("reads the seed's form, and completes it", () => {
    const file = scenarioFile(
      "triggers: [{ event: timer.tick }]\neffects: [{ publish: ui.notify@1 }]",
      "a/night/scenario.yaml",
    );
    expect([file.problems, file.name]).toEqual([[], "night"]);
    expect(file.definition).toMatchObject({
      mode: "single",
      max: 10,
      overflow: "drop-new",
      shadow: false,
      conditions: [],
    });
  });

  test.each([
    ["a key that is unknown", `${RIGHT}cooldwon: 5s\n`, '5:1 unknown key "cooldwon"; did you mean cooldown?'],
    [
      "one whose letters are mixed up",
      RIGHT.replace("a.b", "a.b\n    whne: x"),
      '3:5 unknown key "whne"; did you mean when?',
    ],
    [
      "one like no other",
      `${RIGHT}script: x\n`,
      '5:1 unknown key "script"; known are name, description, mode',
    ],
    ["a mode that is none", `${RIGHT}mode: singel\n`, "5:7 mode: Invalid option"],
    [
      "an effect that is none",
      "effects:\n  - publsh: a.b\n",
      "2:5 effects[0]: an effect must be a map with one of publish",
    ],
    ["two effects in one", "effects:\n  - { publish: a.b, delay: 5s }\n", "not both publish and delay"],
    [
      "an effect in a branch",
      "effects:\n  - choose:\n      - when: x\n        effects: [{ delay: 0s }]\n",
      "4:28 effects[0].choose[0].effects[0].delay: must be",
    ],
    ["no effect", "effects: []\n", "1:10 effects: must have an effect"],
    [
      "a trigger that is none",
      `${RIGHT.replace("event: a.b", "evnet: a.b")}`,
      "a trigger must be a map with one of event, cron, every, at; did you mean event by evnet?",
    ],
    [
      "two times in a timer",
      `${RIGHT.replace("event: a.b", "{ cron: '* * * * *', every: 5s }")}`,
      "not both cron and every",
    ],
    ["an event that is none", RIGHT.replace("a.b", "A"), "2:12 triggers[0].event: event pattern"],
    ["a publish of many", RIGHT.replace("ui.notify@1", "ui."), '4:14 effects[0].publish: event name "ui."'],
    ["for without when", RIGHT.replace("a.b", "a.b\n    for: 5s"), "for needs when or endedBy"],
    ["a repeat without an end", "effects: [{ repeat: [] }]\n", "needs exactly one of times, while and until"],
    [
      "an expression that is too long",
      `${RIGHT}key: ${"x".repeat(1001)}\n`,
      "5:6 key: must be at most 1000 characters",
    ],
    [
      "an id twice",
      RIGHT.replace("a.b", "a.b\n    id: x\n  - every: 5s\n    id: x"),
      '5:9 triggers[1].id: the id "x" is another',
    ],
    ["YAML that is none", "effects: [\n", ":"],
    ["a prototype", "__proto__: {}\n", '1:1 unknown key "__proto__"'],
  ])("refuses %s, and where", (_, text, expected) => {
    expect(problems(text).join("\n")).toContain(expected);
  });
});
