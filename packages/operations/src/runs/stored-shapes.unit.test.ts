import { SKIP_CAUSES } from "@adaos/skills";
import { expect, test } from "vitest";
import { ScenarioScene } from "../../../../test/kit/scenario-scene.ts";
import { readRun, readSkips, readState } from "./stored-shapes.ts";

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const TEXT = `mode: queued
max: 3
cooldown: 1s
triggers:
  - { event: a.b, when: event.data.n > 0 }
  - { id: held, event: a.c, when: "true", for: 1h }
  - { cron: "0 4 * * *" }
effects:
  - parallel:
      - [{ request: a.d, data: {}, as: one, onError: [{ delay: 1h }] }]
      - [{ wait: a.e, as: two, timeout: 1h }]
      - [{ repeat: [{ choose: [{ when: "true", effects: [{ delay: 1h }] }] }], times: 2 }]
`;

test("what the engine stores is read as it was written, at any time", () => {
  const scene = new ScenarioScene(TEXT);
  const look = (): void => {
    const { triggers, runs } = scene.state;
    const stored = { v: 1, triggers, unrecorded: scene.ended.map(({ id }) => id), hash: "x", asked: [] };
    expect(readState(bytes(stored))).toEqual(JSON.parse(JSON.stringify(stored)));
    for (const run of [...Object.values(runs), ...scene.ended])
      expect(readRun(bytes(run))).toEqual(JSON.parse(JSON.stringify(run)));
    const [skip] = scene.skips;
    if (skip === undefined) return;
    const record = {
      v: 1,
      scenario: "test",
      fromMs: 0,
      toMs: 1,
      counts: { [skip.cause]: 1 },
      newest: [skip],
    };
    expect(readSkips(bytes(record))).toEqual(JSON.parse(JSON.stringify(record)));
  };
  for (const n of [1, 0, 2, 3, 4]) {
    scene.event("a.b", { n });
    scene.pass(1500);
    look();
  }
  scene.event("a.c");
  look();
  scene.done({ error: "no reply" });
  look();
  scene.event("a.e");
  for (let hours = 0; hours < 30; hours++) {
    scene.pass(3_600_000);
    scene.done({ data: null });
    look();
  }
  expect(scene.ended.length).toBeGreaterThan(1);
  expect(scene.skips.length).toBeGreaterThan(0);
});

const deep = `${'{"v":1,"cursor":{"at":0,"inner":'.repeat(20_000)}0${"}}".repeat(20_000)}`;

test.each([
  "",
  "no JSON",
  "null",
  "42",
  "[]",
  '{"v":1}',
  '{"v":2,"triggers":{"active":[]},"unrecorded":[],"asked":[]}',
  '{"v":1,"triggers":{"active":[null]},"unrecorded":[5],"asked":"x"}',
  '{"v":1,"id":"x","startedMs":1e300}',
  deep,
])("something else is not read: %.40s", (text) => {
  for (const read of [readRun, readSkips, readState]) expect(read(bytes(text))).toBe(undefined);
});

test.each(SKIP_CAUSES)("a record of what did not run is read for the cause %s", (cause) => {
  const scene = new ScenarioScene(
    "triggers: [{ event: a.b, when: event.data.n > 0 }]\neffects: [{ publish: a.c }]",
  );
  scene.event("a.b", { n: 0 });
  const newest = scene.skips.map((skip) => ({ ...skip, cause }));
  expect(newest).toHaveLength(1);
  expect(readSkips(bytes({ v: 1, fromMs: 0, toMs: 1, counts: { [cause]: 1 }, newest }))).toBeDefined();
});
