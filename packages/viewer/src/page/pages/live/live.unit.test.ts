import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FeedEvent } from "../../../api/feed.ts";
import { differences } from "./event-diff.ts";
import { fieldsOf, filtersOf, isUnfiltered, patternsOf } from "./live-filters.ts";
import { LiveWindow, lineOf, MAX_ROWS } from "./live-window.ts";
import { plainJson, publishCommand, shellQuote } from "./shell-command.ts";

const eventOf = (seq: number, data: unknown, name = "ui.notify"): FeedEvent =>
  ({
    ...{ type: "event", id: "", at: "alpha", seq, stored: "", origin: "alpha/kitchen" },
    envelope: { event_id: `EVT-${seq}`, event_name: name, version: 1, data },
  }) as unknown as FeedEvent;

describe("publishCommand()", () => {
  const HOSTILE = [
    ...[
      "'; rm -rf / #",
      "$(id)",
      "`id`",
      "a\\'b",
      '"',
      "\n\r\t",
      "\u0000\u001b[31m",
      "!x",
      "-n",
      "@file",
      "*",
      "~",
      "",
    ],
    ...["\u202eabc", "\u2028", "''", "'\\''", "é😀"],
  ];

  /** The words that a real shell makes of a line. */
  const wordsOf = (line: string): string[] =>
    execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
      .split("\0")
      .slice(0, -1);

  test.each(HOSTILE)("gives a shell the data %j and nothing else", (text) => {
    const data = { text, [text === "__proto__" ? "x" : text]: [text] };
    const line = publishCommand(eventOf(1, data));
    const words = wordsOf(line);
    expect(words.slice(0, 5)).toEqual(["adaos", "events", "publish", "ui.notify@1", "--data"]);
    expect(JSON.parse(words[5] ?? "")).toEqual(data);
    expect(words.slice(6)).toEqual(["--as", "alpha/kitchen"]);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  });

  test("quotes any text as one word", () => {
    const texts = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 20 }), (all) => {
        expect(wordsOf(all.map(shellQuote).join(" "))).toEqual(all);
      }),
      { numRuns: 30 },
    );
  });

  test("writes JSON in which every character can be seen", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(plainJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("differences()", () => {
  test("names each place that differs, once", () => {
    const before = { a: 1, b: { c: [1, 2], d: "x" }, gone: null };
    const after = { a: 1, b: { c: [1, 3, 4], d: "x" }, fresh: {} };
    expect(differences(before, after)).toEqual([
      { path: "data.b.c.1", before: 2, after: 3 },
      { path: "data.b.c.2", before: undefined, after: 4 },
      { path: "data.fresh", before: undefined, after: {} },
      { path: "data.gone", before: null, after: undefined },
    ]);
  });

  test("finds none in equal values, and is bounded", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => differences(value, structuredClone(value)).length === 0),
    );
    const [a, b] = [0, 1].map((value) => Array.from({ length: 10_000 }, () => value));
    expect(differences(a, b)).toHaveLength(200);
  });
});

describe("LiveWindow", () => {
  test("keeps the newest, newest first, each with the last one of its kind", () => {
    const window = new LiveWindow();
    for (let seq = 1; seq <= 10_000; seq++) window.add(eventOf(seq, seq, seq % 2 === 0 ? "a.b" : "a.c"), 100);
    const rows = window.newest();
    expect([rows.length, rows[0]?.event.seq, rows.at(-1)?.event.seq]).toEqual([MAX_ROWS, 10_000, 8001]);
    expect(rows[0]?.before?.seq).toBe(9998);
    expect(window.added).toBe(10_000);
  });

  test("sorts what two streams bring side by side by the time of storage", () => {
    const window = new LiveWindow();
    for (const [seq, stored] of [
      [1, "2026-01-05T09:30:00.2Z"],
      [2, "2026-01-05T09:30:00.25Z"],
      [3, "2026-01-05T09:30:00.1Z"],
    ] as const)
      window.add({ ...eventOf(seq, seq), stored }, 10);
    expect(window.newest().map(({ event }) => event.seq)).toEqual([2, 1, 3]);
  });

  test("keeps fewer large ones", () => {
    const window = new LiveWindow();
    for (let seq = 1; seq <= 1000; seq++) window.add(eventOf(seq, seq), 262_144);
    expect(window.newest()).toHaveLength(128);
  });
});

test("lineOf() is short, whatever the data is", () => {
  expect(lineOf({ a: "x".repeat(1000) })).toHaveLength(301);
  expect(lineOf(undefined)).toBe("");
});

test("filters are read from texts and from an address", () => {
  expect(patternsOf(" ui.,  nlp.intent ")).toEqual(["ui.", "nlp.intent"]);
  expect(fieldsOf("data.a=b c && data.n=1 &&")).toEqual(["data.a=b c", "data.n=1"]);
  const filters = filtersOf(new URLSearchParams("at=alpha&at=beta&since=1h"));
  expect([filters.at, isUnfiltered(filters)]).toEqual([["alpha", "beta"], false]);
  expect(isUnfiltered(filtersOf(new URLSearchParams("since=1h&selected=x")))).toBe(true);
});
