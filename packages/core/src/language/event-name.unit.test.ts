import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventName, HOSTILE_TOKENS, version } from "../../../../test/kit/arbitraries.ts";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import {
  assertEventName,
  eventNameProblem,
  formatEventRef,
  MAX_EVENT_NAME_LENGTH,
  parseEventRef,
  quote,
} from "./event-name.ts";

describe("eventNameProblem()", () => {
  test("finds nothing wrong with 2 to 8 lower-case tokens", () => {
    fc.assert(
      fc.property(eventName, (name) => {
        expect(eventNameProblem(name)).toBeUndefined();
      }),
    );
  });

  test.each([
    ["one token", "ui", "2 to 8 tokens joined by dots, has 1"],
    ["nine tokens", "a.b.c.d.e.f.g.h.i", "2 to 8 tokens joined by dots, has 9"],
    ["nothing", "", "has 1"],
    ["a leading dot", ".ui.notify", 'the token ""'],
    ["a trailing dot", "ui.notify.", 'the token ""'],
    ["two dots", "ui..notify", 'the token ""'],
    ["a leading digit", "ui.2d", 'the token "2d"'],
    ["a leading underscore", "ui._x", 'the token "_x"'],
  ])("says what is wrong with %s", (_, name, problem) => {
    expect(eventNameProblem(name)).toContain(problem);
  });

  test("refuses what looks like a version and says how to write one", () => {
    expect(eventNameProblem("ui.notify.v1")).toBe('has the token "v1"; write the version as @1');
    expect(eventNameProblem("ui.v10.notify")).toContain("@10");
    expect(eventNameProblem("ui.v0")).toContain("@0");
  });

  test.each([["v"], ["v1a"], ["va1"], ["v-1"]])("takes %s, which only begins like a version", (token) => {
    expect(eventNameProblem(`ui.${token}`)).toBeUndefined();
  });

  test.each(HOSTILE_TOKENS)("refuses a token with %s", (_, token) => {
    expect(eventNameProblem(`ui.${token}`)).toBeTypeOf("string");
  });

  test("draws the line of length at the limit", () => {
    const longest = `a.${"b".repeat(MAX_EVENT_NAME_LENGTH - 2)}`;
    expect(eventNameProblem(longest)).toBeUndefined();
    expect(eventNameProblem(`${longest}b`)).toBe(`is longer than ${MAX_EVENT_NAME_LENGTH} characters`);
  });
});

describe("assertEventName()", () => {
  test("throws invalid-event, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        if (eventNameProblem(text) === undefined) return assertEventName(text);
        expect(meshErrorOf(() => assertEventName(text)).code).toBe("invalid-event");
      }),
    );
  });

  test("quotes no more than 80 characters of a long name", () => {
    const { message } = meshErrorOf(() => assertEventName("x".repeat(5000)));
    expect(message.length).toBeLessThan(200);
  });
});

describe("parseEventRef()", () => {
  test("reads back what formatEventRef() wrote", () => {
    fc.assert(
      fc.property(eventName, version, (name, major) => {
        expect(parseEventRef(formatEventRef(name, major))).toEqual({ name, version: major });
      }),
    );
  });

  test("leaves the version open where none is written", () => {
    expect(parseEventRef("ui.notify")).toEqual({ name: "ui.notify", version: undefined });
  });

  test.each(["", "0", "01", "10000", "-1", "1.0", "1e3", "v1", "1@2", " 1", "1\n", "\u0661"])(
    "refuses the version %j",
    (text) => {
      expect(meshErrorOf(() => parseEventRef(`ui.notify@${text}`)).code).toBe("invalid-event");
    },
  );
});

describe("quote()", () => {
  test("escapes what would break a line of a log or terminal", () => {
    expect(quote('a"\n\u0000')).toBe('"a\\"\\n\\u0000"');
  });

  test("cuts to 80 characters", () => {
    expect(quote("x".repeat(80))).toBe(`"${"x".repeat(80)}"`);
    expect(quote("x".repeat(81))).toBe(`"${"x".repeat(77)}..."`);
  });
});
