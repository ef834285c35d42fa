import { describe, expect, test } from "vitest";
import { envelope, ScenarioScene } from "../../../../../test/kit/scenario-scene.ts";
import { MAX_DEPTH } from "./ids.ts";

/** A scenario with these effects, started by an event with `data`. */
function started(effects: string, data: unknown = {}, more = ""): ScenarioScene {
  const scene = new ScenarioScene(`triggers: [{ event: a.start }]\n${more}\neffects:\n${effects}`);
  scene.event("a.start", data);
  return scene;
}

describe("decide() with effects", () => {
  test("publish: one after the other, by ids made from run, step and nominal time", () => {
    const one = started("  - publish: a.b\n    data: { n: 1 }\n  - publish: a.b\n    data: { n: 2 }");
    expect(one.published).toEqual([{ n: 1 }]);
    one.done();
    expect(one.effects.map(({ step, data }) => [step, data])).toEqual([
      ["effects[0]", { n: 1 }],
      ["effects[1]", { n: 2 }],
    ]);
    const again = started("  - publish: a.b\n    data: { n: 1 }\n  - publish: a.b\n    data: { n: 2 }");
    again.done();
    expect(again.effects.map(({ id }) => id)).toEqual(one.effects.map(({ id }) => id));
    expect(one.ended).toMatchObject([
      { outcome: "succeeded", log: [{ outcome: "done" }, { outcome: "done" }] },
    ]);
  });

  test("data: values keep their type, texts are put together, and $${ is plain", () => {
    const one = started(
      `  - publish: a.b
    data: { n: "\${event.data.n + 1}", l: ["\${event.data.l.map(x, x * 2)}"], t: "n is \${event.data.n}!", p: "$\${x}" }`,
      { n: 2, l: [1, 2] },
    );
    expect(one.published).toEqual([{ n: 3, l: [[2, 4]], t: "n is 2!", p: `$${"{x}"}` }]);
  });

  test("request: its reply is named; without one in time the run fails", () => {
    const effects = `  - request: a.ask
    as: answer
    timeout: 10s
  - publish: a.b
    data: { n: "\${steps.answer.data.n}" }`;
    const one = started(effects);
    one.done({ data: { n: 7 } });
    expect(one.published).toEqual([{}, { n: 7 }]);
    const late = started(effects);
    late.pass(10_000);
    expect(late.ended).toMatchObject([
      { outcome: "failed", reason: "effects[0]: no reply to a.ask within 10000 ms" },
    ]);
    late.done({ data: { n: 7 } });
    expect(late.effects).toHaveLength(1);
  });

  test("delay: by text, and by an expression in seconds", () => {
    const one = started(`  - delay: 1m\n  - delay: "\${event.data.s * 2}"\n  - publish: a.b`, { s: 30 });
    one.pass(119_999);
    expect(one.effects).toHaveLength(0);
    one.pass(1);
    expect(one.effects).toHaveLength(1);
  });

  test("wait: for the event that is meant, and no longer than its timeout", () => {
    const effects = `  - wait: door.opened
    when: received.data.door == event.data.door
    timeout: 1m
    as: door
  - publish: a.b
    data: { ok: "\${steps.door.ok}" }`;
    const one = started(effects, { door: 1 });
    one.event("door.opened", { door: 2 });
    expect(one.effects).toHaveLength(0);
    one.event("door.opened", { door: 1 });
    const none = started(effects, { door: 1 });
    none.pass(60_000);
    expect([one.published, none.published]).toEqual([[{ ok: true }], [{ ok: false }]]);
  });

  test("wait: an event serves one wait of a sequence, and both of two branches", () => {
    const wait = "{ wait: a.go, timeout: 1h }";
    const sequence = started(`  - ${wait}\n  - ${wait}\n  - publish: a.b`);
    const event = sequence.event("a.go");
    sequence.input({ kind: "event", event });
    expect(sequence.effects).toHaveLength(0);
    sequence.event("a.go");
    expect(sequence.effects).toHaveLength(1);
    const branches = started(`  - parallel: [[${wait}], [${wait}]]\n  - publish: a.b`);
    branches.event("a.go");
    expect(branches.effects).toHaveLength(1);
  });

  test("choose: the first branch that is true, else otherwise; the record has both", () => {
    const effects = `  - choose:
      - when: event.data.n > 10
        effects: [{ publish: a.b, data: { n: big } }]
      - when: event.data.n > 5
        effects: [{ publish: a.b, data: { n: middle } }]
    otherwise: [{ publish: a.b, data: { n: small } }]`;
    const of = (n: number): ScenarioScene => started(effects, { n });
    expect([20, 7, 1].map((n) => of(n).published)).toEqual([
      [{ n: "big" }],
      [{ n: "middle" }],
      [{ n: "small" }],
    ]);
    const middle = of(7);
    middle.done();
    expect(middle.ended[0]?.log[0]).toMatchObject({
      verb: "choose",
      branch: 1,
      conditions: [{ value: false, values: { "event.data.n": 7 } }, { value: true }],
    });
  });

  test("parallel: goes on when all branches have ended", () => {
    const one = started(
      "  - parallel:\n    - [{ delay: 5s }, { publish: a.b }]\n    - [{ publish: a.c }]\n  - publish: a.d",
    );
    one.done();
    one.pass(5000);
    one.done();
    expect(one.effects.map(({ event }) => event)).toEqual(["a.c", "a.b", "a.d"]);
  });

  test("repeat: times, while and until, with an index", () => {
    const turns = (head: string): unknown[] => {
      const one = started(`  - repeat: [{ publish: a.b, data: { i: "\${repeat.index}" } }]\n    ${head}`);
      one.done();
      expect(one.outcomes).toEqual(["succeeded"]);
      return one.published.map((data) => (data as { i: number }).i);
    };
    expect(turns("times: 3")).toEqual([0, 1, 2]);
    expect(turns("while: repeat.index < 2")).toEqual([0, 1]);
    expect(turns("until: repeat.index >= 2")).toEqual([0, 1, 2]);
    expect(turns("times: 0")).toEqual([]);
  });

  test("repeat: ends at its limit with an error", () => {
    const one = started("  - repeat: [{ publish: a.b }]\n    while: 1 == 1\n    limit: 3");
    one.done();
    expect(one.ended).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining("more than 3 times") },
    ]);
    expect(one.effects).toHaveLength(3);
  });

  test("stop: ends the run, as failed where it says so", () => {
    expect(started(`  - stop: "because \${event.data.n}"`, { n: 1 }).ended).toMatchObject([
      { outcome: "stopped", reason: "because 1" },
    ]);
    expect(started("  - { stop: x, failed: true }").outcomes).toEqual(["failed"]);
  });

  test("onError of an effect: goes on after it, or after other effects", () => {
    const failing = (onError: string): ScenarioScene => {
      const one = started(`  - publish: a.b\n    onError: ${onError}\n  - publish: a.c`);
      const [effect] = one.pending;
      one.input({
        kind: "result",
        runId: effect?.runId ?? "",
        effectId: effect?.id ?? "",
        ok: false,
        error: "full",
      });
      one.done();
      return one;
    };
    expect(failing("continue").effects.map(({ event }) => event)).toEqual(["a.b", "a.c"]);
    const other = failing(`[{ publish: a.d, data: { why: "\${error.message}" } }]`);
    expect(other.effects.map(({ event, data }) => [event, data])).toEqual([
      ["a.b", {}],
      ["a.d", { why: "full" }],
      ["a.c", {}],
    ]);
    expect(other.outcomes).toEqual(["succeeded"]);
  });

  test("onError of the scenario: runs after a failure, and the run has failed", () => {
    const one = started(
      `  - publish: a.b\n    data: { n: "\${event.data.missing}" }`,
      {},
      `onError: [{ publish: a.c, data: { why: "\${error.message}" } }]`,
    );
    one.done();
    expect(one.published).toEqual([{ why: `\${event.data.missing}: No such key: missing` }]);
    expect(one.ended).toMatchObject([
      { outcome: "failed", reason: expect.stringMatching(/^effects\[0\]: /) },
    ]);
  });

  test("a failure in one branch leaves the others, and their effects", () => {
    const one = started(
      `  - parallel:\n    - [{ publish: a.b }]\n    - [{ delay: "\${event.data.x}" }]\n    onError: continue`,
    );
    expect([one.effects, one.outcomes]).toEqual([[], ["succeeded"]]);
  });
});

describe("decide() with limits", () => {
  test("digest: the same data gives the same, live and in a shadow", () => {
    const effects = `  - publish: a.b\n    data: { n: "$\{event.data.n}" }\n  - { request: a.ask }`;
    const digestsOf = (n: number, more = ""): unknown[] => {
      const scene = started(effects, { n }, more);
      scene.done();
      return scene.ended.flatMap(({ log }) => log.map(({ digest }) => digest));
    };
    const live = digestsOf(1);
    expect(live).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/), expect.stringMatching(/^[0-9a-f]{12}$/)]);
    expect(digestsOf(1, "shadow: true")).toEqual(live);
    expect(digestsOf(2, "shadow: true")).not.toEqual(live);
  });

  test("shadow: runs, records and publishes nothing", () => {
    const one = started("  - publish: a.b\n  - delay: 1s\n  - { request: a.ask, as: x }", {}, "shadow: true");
    one.pass(1000);
    expect(one.effects).toEqual([]);
    expect(one.ended).toMatchObject([
      {
        outcome: "stopped",
        isShadow: true,
        log: [{ outcome: "shadow", event: "a.b" }, { verb: "delay" }, { outcome: "shadow" }],
      },
    ]);
  });

  test("a loop ends after 32 runs that have caused each other, and names the ring", () => {
    let scene = started("  - publish: a.start");
    for (let depth = 1; depth < MAX_DEPTH; depth++) {
      const headers = scene.effects[0]?.headers ?? {};
      expect(headers["scenario_depth"]).toBe(String(depth));
      const next = new ScenarioScene("triggers: [{ event: a.start }]\neffects: [{ publish: a.start }]");
      next.input({ kind: "event", event: { ...envelope("a.start", {}, depth), headers } });
      scene = next;
    }
    const last = new ScenarioScene("triggers: [{ event: a.start }]\neffects: [{ publish: a.start }]");
    const event = { ...envelope("a.start", {}, 99), headers: scene.effects[0]?.headers ?? {} };
    last.input({ kind: "event", event });
    expect(last.effects).toEqual([]);
    expect(last.ended).toMatchObject([{ outcome: "loop", reason: expect.stringContaining("test -> test") }]);
    expect(last.state.triggers.active).toEqual([]);
  });

  test("a run ends as the scenario that it began as", () => {
    const one = started("  - delay: 1s\n  - publish: a.b\n    data: { v: 1 }");
    const changed = new ScenarioScene(
      "triggers: [{ event: a.start }]\neffects: [{ publish: a.b, data: { v: 2 } }]",
    );
    changed.state = one.state;
    changed.input({ kind: "clock" });
    changed.pass(1000);
    expect(changed.published).toEqual([{ v: 1 }]);
  });

  test("steps and log of a run are bounded", () => {
    const one = started(
      "  - repeat:\n      - repeat: [{ choose: [{ when: 1 == 1, effects: [] }] }]\n        times: 10000\n    times: 10000",
    );
    expect(one.ended).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining("more than 1000 steps at once") },
    ]);
    expect(one.ended[0]?.log.length).toBe(300);
  });

  test("results and pending effects of a run are bounded, so that it can be stored", () => {
    const effects = Array.from({ length: 5 }, (_, i) => `  - { request: a.ask, as: r${i} }`).join("\n");
    const one = started(effects);
    for (let i = 0; i < 5; i++) {
      const [effect] = one.pending;
      if (effect === undefined) break;
      const data = { text: "x".repeat(100_000) };
      one.input({ kind: "result", runId: effect.runId, effectId: effect.id, ok: true, data });
    }
    expect(one.ended).toMatchObject([
      { outcome: "failed", reason: expect.stringContaining("more than 327680 bytes") },
    ]);
    const wide = started(
      `  - parallel: [${Array.from({ length: 50 }, () => `[{ publish: a.b, data: { t: "\${event.data.t}" } }]`).join()}]`,
      { t: "x".repeat(50_000) },
    );
    expect([wide.outcomes, wide.effects]).toEqual([["failed"], []]);
  });

  test("a cancelled run does nothing more", () => {
    const one = started("  - delay: 1s\n  - publish: a.b");
    one.input({ kind: "cancel", runId: Object.keys(one.state.runs)[0] ?? "", reason: "by hand" });
    one.pass(5000);
    expect([one.effects, one.ended[0]?.outcome, one.state.triggers.active]).toEqual([[], "cancelled", []]);
  });
});
