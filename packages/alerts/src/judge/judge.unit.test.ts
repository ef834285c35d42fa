import { ALERT_RULES, ALERTS, type JudgedAlertId, NODE_METRICS } from "@adaos/core/wire";
import { beforeEach, describe, expect, test } from "vitest";
import { describeAlert, type JudgedRule, type Sample } from "./alert.ts";
import { type AlertChange, Judge } from "./judge.ts";
import { resolveRules } from "./resolve-rules.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const AT = { daemon: "root", at: "root" };
const EVERY_MS = 15_000;

let nowMs: number;
let judge: Judge;
let changes: string[];

const rulesOf = (role: "hub" | "root", ids?: readonly JudgedAlertId[]): readonly JudgedRule[] =>
  resolveRules(role, { rules: {} }).filter(({ id }) => ids === undefined || ids.includes(id));
const told = (all: readonly AlertChange[]): string[] =>
  all.map(({ change, alert: { alert } }) => `${change} ${alert}`);
const link = (subnet: string, direction: string, ready: boolean): Sample => {
  return { metric: "linkReady", labels: { subnet, direction }, value: ready ? 1 : 0, cause: "no answer" };
};
const stream = (name: string, full: number): Sample => {
  return { metric: "streamFull", labels: { stream: name }, value: full };
};

/** Looks every 15 s for so long at the same. */
function pass(
  seconds: number,
  samples: readonly Sample[],
  unknown: readonly Sample["metric"][] = [],
): string[] {
  const fresh: string[] = [];
  for (let ms = 0; ms < seconds * 1000; ms += EVERY_MS) {
    nowMs += EVERY_MS;
    fresh.push(...told(judge.look({ samples, unknown: new Set(unknown), nowMs })));
  }
  changes.push(...fresh);
  return fresh;
}

beforeEach(() => {
  nowMs = START_MS;
  changes = [];
  judge = new Judge(rulesOf("root"), AT);
});

describe("Judge", () => {
  test("raises once what lasts, and clears it once when it is over for long enough", () => {
    expect(pass(30, [link("alpha", "up", false)])).toEqual([]);
    expect(pass(15, [link("alpha", "up", false)])).toEqual(["raised linkDown/alpha"]);
    expect(pass(3600, [link("alpha", "up", false)])).toEqual([]);
    expect(pass(30, [link("alpha", "up", true)])).toEqual([]);
    expect(pass(3600, [link("alpha", "up", true)])).toEqual(["cleared linkDown/alpha"]);
  });

  test("raises nothing that comes and goes", () => {
    for (let i = 0; i < 20; i++) {
      pass(30, [link("alpha", "up", false)]);
      pass(15, [link("alpha", "up", true)]);
    }
    expect(changes).toEqual([]);
  });

  test("does not clear what comes back while it is about to", () => {
    pass(60, [link("alpha", "up", false)]);
    for (let i = 0; i < 20; i++) {
      pass(30, [link("alpha", "up", true)]);
      pass(15, [link("alpha", "up", false)]);
    }
    expect(changes).toEqual(["raised linkDown/alpha"]);
  });

  test("between the two limits leaves things as they are", () => {
    judge = new Judge(rulesOf("hub", ["streamNearlyFull"]), AT);
    pass(60, [stream("EVENTS_alpha", 0.89)]);
    expect(pass(60, [stream("EVENTS_alpha", 0.91)])).toEqual(["raised streamNearlyFull/EVENTS_alpha"]);
    expect(pass(600, [stream("EVENTS_alpha", 0.86)])).toEqual([]);
    expect(pass(600, [stream("EVENTS_alpha", 0.5)])).toEqual(["cleared streamNearlyFull/EVENTS_alpha"]);
  });

  test("minds no stream that is full by design", () => {
    expect(pass(600, [stream("METRICS_alpha", 1), stream("DONE_alpha_kitchen", 1)])).toEqual([]);
  });

  test("tells of places one by one, of both directions of a link together", () => {
    const down = [link("alpha", "up", false), link("alpha", "down", false), link("beta", "up", false)];
    expect(pass(60, down)).toEqual(["raised linkDown/alpha", "raised linkDown/beta"]);
    expect(pass(60, [link("alpha", "up", true), link("alpha", "down", false)])).toEqual([
      "cleared linkDown/beta",
    ]);
    expect(pass(60, [])).toEqual(["cleared linkDown/alpha"]);
  });

  test("raises no consequence of what is wrong at the same place", () => {
    const lag = (subnet: string): Sample => {
      return { metric: "linkLagSeconds", labels: { subnet, direction: "down" }, value: 500 };
    };
    expect(pass(600, [link("alpha", "up", false), lag("alpha"), lag("beta")])).toEqual([
      "raised linkDown/alpha",
      "raised linkLagging/beta/down",
    ]);
  });

  test("goes on after a restart with what it had raised", () => {
    pass(60, [link("alpha", "up", false)]);
    judge = new Judge(rulesOf("root"), AT, judge.active);
    expect(pass(600, [link("alpha", "up", false)])).toEqual([]);
    judge = new Judge(rulesOf("root"), AT, judge.active);
    expect(pass(600, [link("alpha", "up", true)])).toEqual(["cleared linkDown/alpha"]);
  });

  test("takes nothing for over while its source does not answer", () => {
    const lag: Sample = {
      metric: "linkLagSeconds",
      labels: { subnet: "beta", direction: "down" },
      value: 500,
    };
    expect(pass(60, [lag])).toEqual(["raised linkLagging/beta/down"]);
    expect(pass(3600, [], ["linkLagSeconds"])).toEqual([]);
    expect(pass(60, [])).toEqual(["cleared linkLagging/beta/down"]);
  });

  test("clears what a rule has raised that is judged no more", () => {
    pass(60, [link("alpha", "up", false)]);
    judge = new Judge(rulesOf("root", ["clockOff"]), AT, judge.active);
    expect(pass(15, [link("alpha", "up", false)])).toEqual(["cleared linkDown/alpha"]);
  });
});

describe("dead letters", () => {
  const letters = (count: number, lastMs: number): Sample[] => [
    { metric: "deadLetters", labels: {}, value: count },
    { metric: "deadLetterLast", labels: {}, value: count === 0 ? 0 : lastMs / 1000 },
  ];

  beforeEach(() => {
    judge = new Judge(rulesOf("hub"), { daemon: "alpha/hub", at: "alpha" });
  });

  test("raise one alert when one comes, and another only after a quiet time", () => {
    pass(60, letters(0, 0));
    const first = nowMs;
    expect(pass(30, letters(1, first))).toEqual(["raised deadLetterCame"]);
    expect(pass(600, letters(2, nowMs))).toEqual([]);
    expect(pass(1800, letters(2, first + 30_000))).toEqual(["cleared deadLetterCame"]);
    expect(pass(30, letters(3, nowMs))).toEqual(["raised deadLetterCame"]);
  });

  test("that came while nobody judged are told all the same", () => {
    nowMs += 3_600_000;
    expect(pass(15, letters(1, nowMs - 60_000))).toEqual(["raised deadLetterCame"]);
  });

  test("are over when they are gone", () => {
    pass(15, letters(1, nowMs));
    expect(pass(15, letters(0, 0))).toEqual(["cleared deadLetterCame"]);
  });

  test("that come in a crowd raise one alert, the graver", () => {
    pass(60, letters(3, nowMs - 86_400_000));
    const crowd = nowMs;
    expect(pass(600, letters(40, crowd))).toEqual(["raised deadLettersGrow"]);
    expect(pass(3600, letters(40, crowd))).toEqual(["cleared deadLettersGrow"]);
    expect(changes).toHaveLength(2);
  });
});

describe("times and clocks", () => {
  test("a certificate that ends is told two weeks before, and over when it is another one", () => {
    const ends = (days: number): Sample => {
      return {
        metric: "certificateEnd",
        labels: { certificate: "ca.pem" },
        value: nowMs / 1000 + days * 86_400,
      };
    };
    expect(pass(15, [ends(15)])).toEqual([]);
    expect(pass(15, [ends(13)])).toEqual(["raised certificateEnds/ca.pem"]);
    expect(pass(15, [ends(365)])).toEqual(["cleared certificateEnds/ca.pem"]);
  });

  test("a clock may be wrong in both directions", () => {
    const off = (seconds: number): Sample => {
      return { metric: "clockOffset", labels: { subnet: "beta" }, value: seconds };
    };
    expect(pass(600, [off(-1.9)])).toEqual([]);
    expect(pass(90, [off(-60)])).toEqual(["raised clockOff/beta"]);
  });

  test("a damage is told for a day, by a daemon too that does not remember it", () => {
    const foundAt = nowMs / 1000;
    expect(pass(15, [{ metric: "storeDamaged", labels: { stream: "MESH" }, value: foundAt }])).toEqual([
      "raised storeDamaged/MESH",
    ]);
    judge = new Judge(rulesOf("root"), AT, judge.active);
    expect(pass(3600, [])).toEqual([]);
    expect(pass(90_000, [])).toEqual(["cleared storeDamaged/MESH"]);
  });
});

describe("a quiet hour", () => {
  test("raises nothing at hub and root", () => {
    for (const role of ["hub", "root"] as const) {
      judge = new Judge(rulesOf(role), AT);
      pass(3600, [
        link("alpha", "up", true),
        stream("EVENTS_alpha", 0.3),
        { metric: "linkLagSeconds", labels: { subnet: "alpha", direction: "up" }, value: 2 },
        { metric: "serverLeaves", labels: {}, value: 1 },
        { metric: "deadLetters", labels: {}, value: 7 },
        { metric: "deadLetterLast", labels: {}, value: START_MS / 1000 - 86_400 },
        { metric: "diskOutboxEvents", labels: { daemon: "alpha/kitchen" }, value: 3 },
        { metric: "probeUnhealthy", labels: { node: "alpha/kitchen", probe: "db" }, value: 0 },
        { metric: "probeSloBurn", labels: { node: "alpha/kitchen", probe: "db" }, value: 0.4 },
        { metric: "processFailures", labels: { process: "alpha/kitchen" }, value: 0 },
        { metric: "certificateEnd", labels: { certificate: "ca.pem" }, value: START_MS / 1000 + 9e6 },
        { metric: "configErrors", labels: { daemon: "root" }, value: 0 },
        { metric: "clockOffset", labels: { subnet: "alpha" }, value: 0.02 },
      ]);
    }
    expect(changes).toEqual([]);
  });
});

describe("resolveRules()", () => {
  test("takes what the mesh file changes, and keeps the distance between raising and clearing", () => {
    const [rule] = resolveRules("hub", {
      rules: {
        streamNearlyFull: { threshold: 0.5, forSeconds: 5, severity: "critical" },
        linkLagging: false,
      },
    }).filter(({ id }) => id === "streamNearlyFull" || id === "linkLagging");
    expect(rule).toMatchObject({
      id: "streamNearlyFull",
      severity: "critical",
      forSeconds: 5,
      clearSeconds: 60,
    });
    expect(rule?.condition).toEqual({ kind: "above", threshold: 0.5, clearAt: expect.closeTo(0.472, 3) });
  });
});

describe("the catalogue", () => {
  const rules = [...rulesOf("hub"), ...rulesOf("root")];

  test.each(rules)("has a text and a command without gaps for $id", (rule) => {
    const labels = Object.fromEntries(
      [...rule.by, ...NODE_METRICS[rule.metric].labels].map((name) => [name, "x"]),
    );
    const alert = describeAlert(
      rule,
      { labels, value: 5, cause: undefined },
      { daemon: "alpha/hub", at: "alpha" },
      {
        sinceMs: START_MS,
        nowMs: START_MS,
      },
    );
    expect(JSON.stringify(alert)).not.toMatch(/[{]\w+[}]|undefined|NaN/);
    expect(alert.look).toMatch(/^adaos /);
  });

  test("is judged by somebody, each rule", () => {
    for (const [id, { judgedBy }] of Object.entries(ALERT_RULES))
      expect([id, judgedBy.length > 0]).toEqual([id, true]);
    expect(new Set(Object.values(ALERTS).map(({ name }) => name)).size).toBe(Object.keys(ALERTS).length);
  });
});
