import { parseEventPattern } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { skillFile } from "./file/read-skill.ts";
import { errorOfSkill } from "./process/error-of-skill.ts";
import { whyToKill } from "./process/judge-process.ts";
import { planLaunch } from "./process/launch.ts";
import { OutputLimit } from "./process/output-limit.ts";
import { readMessage } from "./process/read-message.ts";
import { ReadPace } from "./process/read-pace.ts";
import { failuresAfter, restartDelayMs } from "./process/restart-backoff.ts";
import { placeIn } from "./process/skill-process.ts";
import { LineSplitter } from "./protocol/line-splitter.ts";
import { toldError } from "./protocol/told-error.ts";
import { type Effect, effectId, skillDurable } from "./run/names.ts";
import { declaredRef } from "./run/rights.ts";

const EVENTS = "events:\n  subscribe: [ui.notify@1, nlp.]\n  publish: [ui.notify@1]\n";
const read = (text: string) => skillFile(text, "/skills/weather", () => false);
const definitionOf = (text: string) => {
  const { definition } = read(text);
  if (definition === undefined) throw new Error(read(text).problems[0]?.message);
  return definition;
};

describe("skillFile()", () => {
  test("fills in what is left out", () => {
    expect(definitionOf(EVENTS)).toMatchObject({
      name: "weather",
      program: { kind: "module", file: "/skills/weather/index.mjs" },
      topics: [{ timeoutMs: 30_000, maxConcurrency: 16 }, { pattern: { text: "nlp." } }],
      memoryMb: 128,
    });
  });

  test("takes limits for one event", () => {
    const { topics } = definitionOf(
      `${EVENTS}timeout: 10s\nhandlers:\n  ui.notify@1: { max_concurrency: 1, timeout: 2m, retry: p0 }\n`,
    );
    expect(topics).toMatchObject([
      { timeoutMs: 120_000, maxConcurrency: 1, retry: "p0" },
      { timeoutMs: 10_000, maxConcurrency: 16, retry: undefined },
    ]);
  });

  test.each([
    ["an unknown key", `${EVENTS}mmeory_mb: 64\n`, 4, "did you mean memory_mb?"],
    ["a text that is no event", EVENTS.replace("nlp.", "Nlp"), 2, "event pattern"],
    ["two programs", `${EVENTS}entry: a.mjs\ncommand: [python3]\n`, 5, "needs no entry beside it"],
    ["an entry outside", `${EVENTS}entry: ../a.mjs\n`, 4, "must stay within the skill's folder"],
    ["limits of another event", `${EVENTS}handlers:\n  ui.alert: {}\n`, 5, "is not in events.subscribe"],
    ["a timeout of zero", `${EVENTS}timeout: 0s\n`, 4, "must be 1s to 1h"],
    ["no events", "name: weather\n", 1, "events"],
    ["no YAML", "events: [", 1, ""],
  ])("reports %s with its line", (_, text, line, message) => {
    const [problem] = read(text).problems;
    expect(problem).toMatchObject({ line, severity: "error" });
    expect(problem?.message).toContain(message);
  });
});

describe("planLaunch()", () => {
  const runtime = {
    execPath: "/node",
    version: "20.20.2",
    env: { PATH: "/bin", SECRET: "x", TOKEN: "t" },
    hostFile: "/h.js",
  };

  test("passes no variable that the skill does not name", () => {
    const { env, args } = planLaunch(definitionOf(`${EVENTS}env: [TOKEN]\n`), "/skills/weather", runtime);
    expect(env).toEqual({ PATH: "/bin", TOKEN: "t", ADAOS_SKILL: "weather" });
    expect(args).toContain("--max-old-space-size=88");
  });

  test("starts a command as it is written, in the skill's folder", () => {
    const skill = definitionOf(`${EVENTS}command: [python3, skill.py]\n`);
    expect(planLaunch(skill, "/skills/weather", runtime)).toMatchObject({
      file: "python3",
      args: ["skill.py"],
      cwd: "/skills/weather",
      protocolOn: "standard",
    });
  });

  test.each([
    ["20.20.2", undefined],
    ["22.5.1", undefined],
    ["22.17.0", ["--experimental-strip-types"]],
    ["22.18.0", []],
    ["23.5.0", ["--experimental-strip-types"]],
    ["24.1.0", []],
  ])("runs TypeScript on Node %s as that can", (version, flags) => {
    const skill = definitionOf(`${EVENTS}entry: index.ts\n`);
    const plan = () => planLaunch(skill, "/skills/weather", { ...runtime, version }).args;
    if (flags === undefined) expect(plan).toThrow(/build it to JavaScript/);
    else expect(plan().filter((flag) => flag.includes("strip"))).toEqual(flags);
  });
});

describe("restartDelayMs()", () => {
  test("doubles from 1 s to 60 s, and begins anew after a long run", () => {
    const ends = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => failuresAfter(failures - 1, 10));
    const waits = ends.map(restartDelayMs);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(restartDelayMs(failuresAfter(8, 60_000))).toBe(1000);
  });
});

describe("whyToKill()", () => {
  const well = { unanswered: 1, rssBytes: 50 * 1_048_576, unreadBytes: 0, abandoned: 0 };
  test.each([
    ["nothing", well, undefined],
    ["memory above its limit", { ...well, rssBytes: 65 * 1_048_576 }, /uses 65 MiB, its limit is 64/],
    ["five pings without an answer and one more", { ...well, unanswered: 6 }, /has not answered for 10 s/],
    ["what it does not read", { ...well, unreadBytes: 65 * 1_048_576 }, /has not read 64 MiB/],
    ["handlers that never end", { ...well, abandoned: 100 }, /100 of its handlers/],
  ])("names %s", (_, look, why) => {
    if (why === undefined) expect(whyToKill(look, 64)).toBeUndefined();
    else expect(whyToKill(look, 64)).toMatch(why);
  });
});

describe("OutputLimit", () => {
  test("takes 200 lines a second, and tells of the others once", () => {
    const limit = new OutputLimit();
    const taken = Array.from({ length: 300 }, () => limit.take(5000)).filter(({ isTaken }) => isTaken);
    expect(taken.length).toBe(200);
    expect(limit.take(6000)).toEqual({ isTaken: true, droppedBefore: 100 });
    expect(limit.take(6000)).toEqual({ isTaken: true, droppedBefore: 0 });
    expect(limit.dropped).toBe(100);
  });
});

describe("ReadPace", () => {
  test("pauses until the next second after 8 MiB, or 8192 messages", () => {
    const pace = new ReadPace();
    expect(pace.take(8 * 1024 * 1024, 0, 5400)).toBe(0);
    expect(pace.take(1, 0, 5400)).toBe(600);
    expect(pace.take(0, 8193, 6000)).toBe(1000);
    expect(pace.take(0, 8192, 7000)).toBe(0);
  });
});

describe("LineSplitter", () => {
  const split = (chunks: readonly (string | Buffer)[], max = 10) => {
    const told: string[] = [];
    const lines = new LineSplitter(
      max,
      (line) => told.push(line),
      (beginning) => told.push(`!${beginning}`),
    );
    for (const chunk of chunks) lines.push(Buffer.from(chunk as string));
    lines.flush();
    return told;
  };

  test("joins what comes in parts, within a character too", () => {
    const bytes = Buffer.from("grüße\nb\r\nc");
    expect(split([bytes.subarray(0, 3), bytes.subarray(3)])).toEqual(["grüße", "b", "c"]);
  });

  test("tells of a line that is too long once, and goes on behind it", () => {
    expect(split(["0123456789", "abc", "def\nok\n"])).toEqual(["!0123456789", "ok"]);
  });
});

describe("readMessage()", () => {
  test.each([
    ["no JSON", "hello", /no JSON: hello/],
    ["an unknown type", '{"type":"publsh"}', /a message whose type is wrong/],
    ["a wrong field", '{"type":"done","id":"x"}', /a message whose id is wrong/],
  ])("says what is wrong: %s", (_, line, told) => expect(readMessage(line)).toMatch(told));

  test("takes a message without optional fields", () => {
    expect(readMessage('{"type":"done","id":1}')).toEqual({ type: "done", id: 1 });
  });
});

describe("errorOfSkill()", () => {
  test.each([
    [
      { name: "RetryableError", message: "busy", retry_after_ms: 500 },
      { name: "RetryableError", retryAfterMs: 500 },
    ],
    [{ name: "Error", message: "no", retryable: false }, { name: "NonRetryableError" }],
    [{ name: "TypeError", message: "x is undefined" }, { name: "TypeError" }],
    [
      { name: "MeshError", message: "full", code: "backpressure" },
      { name: "MeshError", code: "backpressure" },
    ],
    [
      { name: "Error", message: "away", code: "ECONNREFUSED" },
      { name: "Error", code: "ECONNREFUSED" },
    ],
    [
      { name: "Error", message: "late", status: 503 },
      { name: "Error", status: 503 },
    ],
  ])("is the error that the handler threw: %o", (told, error) => {
    expect(errorOfSkill(told)).toMatchObject({ ...error, message: told.message });
  });

  test("keeps what toldError() tells of it", () => {
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const told = toldError(new TypeError("fetch failed", { cause }));
    expect(errorOfSkill(told)).toMatchObject({ name: "TypeError", code: "ECONNREFUSED" });
    expect(toldError(Object.create(null)).message).toBe("an error without a text");
  });
});

describe("skillDurable()", () => {
  test("names skill and event, in 63 characters at most", () => {
    expect(skillDurable("weather", parseEventPattern("ui.notify@1"))).toBe("skill-weather-ui-notify-1");
    const long = [
      "home.a-very-long-name.of-an-event.happened",
      "home.a-very-long-name.of-an-event.happening",
    ];
    const durables = long.map((text) => skillDurable("a".repeat(40), parseEventPattern(text)));
    expect(durables.every((durable) => /^[a-z0-9-]{1,63}$/.test(durable))).toBe(true);
    expect(new Set(durables).size).toBe(2);
  });

  test("differs for a prefix and a name of the same letters", () => {
    const names = ["ui.notify.", "ui.notify", "ui_x.notify", "ui-x.notify"].map(parseEventPattern);
    expect(new Set(names.map((pattern) => skillDurable("x", pattern))).size).toBe(4);
  });
});

describe("effectId()", () => {
  const effect: Effect = {
    durable: "skill-x-ui-notify-1",
    handledId: "EVT-20260101-000000-0123456789ab",
    handledTs: "2026-01-01T00:00:00.000Z",
    event: "ui.notify@1",
    data: { text: "a" },
    key: undefined,
    index: 0,
  };

  test("is the same for the same effect, and begins with the time of the handled event", () => {
    expect(effectId(effect)).toBe(effectId({ ...effect }));
    expect(effectId(effect)).toMatch(/^EVT-20260101-000000-[0-9a-f]{12}$/);
  });

  test.each([
    { index: 1 },
    { data: { text: "b" } },
    { event: "ui.notify@2" },
    { durable: "other" },
    { key: "k" },
  ])("differs with %o", (other) => expect(effectId({ ...effect, ...other })).not.toBe(effectId(effect)));

  test("with a key does not depend on the data", () => {
    expect(effectId({ ...effect, key: "k" })).toBe(effectId({ ...effect, key: "k", data: 1, index: 3 }));
  });
});

describe("declaredRef()", () => {
  const skill = { name: "x", publish: ["ui.notify@1", "nlp.", "scenario.run"].map(parseEventPattern) };
  const ref = (text: string) => declaredRef(skill, text, () => 2);

  test.each([
    ["ui.notify", "ui.notify@1"],
    ["ui.notify@1", "ui.notify@1"],
    ["nlp.intent.detected", "nlp.intent.detected"],
    ["scenario.run", "scenario.run"],
  ])("lets %s be published as %s", (text, meant) => expect(ref(text)).toBe(meant));

  test.each(["ui.notify@2", "ui.alert", "nlp"])("refuses %s", (text) => expect(() => ref(text)).toThrow());
});

describe("placeIn()", () => {
  test("finds the first place that is a file of the skill", () => {
    const lines = [
      "Error: x",
      "    at node:internal/a:1:2",
      "    at file:///opt/skill-host.js:9:1",
      "    at f (file:///s/a.mjs:3:7)",
    ];
    expect(placeIn(lines)).toBe("/s/a.mjs:3");
    expect(placeIn(["SyntaxError: x"])).toBeUndefined();
  });
});
