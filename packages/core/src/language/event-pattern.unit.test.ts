import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOSTILE_TOKENS, nearEvent, nearPattern } from "../../../../test/kit/arbitraries.ts";
import { filterMatches, filtersOverlap } from "../../../../test/kit/nats-wildcards.ts";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { formatSubject, patternToFilter } from "../wire/subject.ts";
import { minimalPatterns, parseEventPattern, patternCovers, patternMatches } from "./event-pattern.ts";

const pattern = nearPattern.map(parseEventPattern);
const RUNS = { numRuns: 1000 };

function matches(text: string, name: string, version = 1): boolean {
  return patternMatches(parseEventPattern(text), name, version);
}

describe("parseEventPattern()", () => {
  test.each([
    ["*", { kind: "all", stem: "", version: undefined }],
    ["nlp.", { kind: "prefix", stem: "nlp.", version: undefined }],
    ["nlp.intent.", { kind: "prefix", stem: "nlp.intent.", version: undefined }],
    ["ui.notify", { kind: "name", stem: "ui.notify", version: undefined }],
    ["ui.notify@12", { kind: "name", stem: "ui.notify", version: 12 }],
  ])("reads %s", (text, parsed) => {
    expect(parseEventPattern(text)).toEqual({ text, ...parsed });
  });

  test.each([
    "",
    ".",
    "..",
    "ui",
    "ui..",
    ".ui.",
    "ui.*",
    "ui.>",
    ">",
    "**",
    "*.",
    "ui.v1.",
    "ui.notify.v1",
    "ui.@1",
    "*@1",
    "a.b.c.d.e.f.g.h.",
    "ui.notify@0",
    "ui.notify@",
    "ui.notify@1@2",
    "ui.notify@*",
  ])("refuses %j as usage and says how to write one", (text) => {
    const { code, message } = meshErrorOf(() => parseEventPattern(text));
    expect(code).toBe("usage");
    expect(message).toContain("a prefix with its dot (ui.) or *");
  });

  test.each(HOSTILE_TOKENS)("refuses %s in a name and in a prefix", (_, token) => {
    expect(meshErrorOf(() => parseEventPattern(`ui.${token}.x`)).code).toBe("usage");
    expect(meshErrorOf(() => parseEventPattern(`ui.${token}.`)).code).toBe("usage");
  });
});

describe("patternMatches()", () => {
  test("takes a prefix by whole tokens", () => {
    expect(matches("nlp.", "nlp.intent.detected")).toBe(true);
    expect(matches("nlp.", "nlpx.intent")).toBe(false);
    expect(matches("nlp.intent.", "nlp.intent")).toBe(false);
  });

  test("takes a name in every version, or in the one that is named", () => {
    expect(matches("ui.notify", "ui.notify", 7)).toBe(true);
    expect(matches("ui.notify@7", "ui.notify", 7)).toBe(true);
    expect(matches("ui.notify@7", "ui.notify", 1)).toBe(false);
    expect(matches("ui.notify", "ui.notify.later")).toBe(false);
  });
});

describe("patternToFilter()", () => {
  test("lets a server pass exactly the events that patternMatches() means", () => {
    fc.assert(
      fc.property(pattern, nearEvent, (meant, { name, version }) => {
        const subject = formatSubject({ subnet: "alpha", node: "kitchen", name, version });
        expect(filterMatches(patternToFilter(meant), subject)).toBe(patternMatches(meant, name, version));
      }),
      RUNS,
    );
  });

  test("lets a server pass exactly the named origin", () => {
    const origin = fc.record(
      { subnet: fc.constantFrom("a", "b"), node: fc.constantFrom("a", "b") },
      { requiredKeys: [] },
    );
    const from = fc.record({ subnet: fc.constantFrom("a", "b"), node: fc.constantFrom("a", "b") });
    fc.assert(
      fc.property(pattern, nearEvent, origin, from, (meant, event, wanted, { subnet, node }) => {
        const subject = formatSubject({ subnet, node, ...event });
        const isOrigin = (wanted.subnet ?? subnet) === subnet && (wanted.node ?? node) === node;
        expect(filterMatches(patternToFilter(meant, wanted), subject)).toBe(
          isOrigin && patternMatches(meant, event.name, event.version),
        );
      }),
      RUNS,
    );
  });
});

describe("patternCovers()", () => {
  test("promises no event that the outer pattern does not mean", () => {
    fc.assert(
      fc.property(pattern, pattern, nearEvent, (outer, inner, { name, version }) => {
        if (!patternCovers(outer, inner) || !patternMatches(inner, name, version)) return;
        expect(patternMatches(outer, name, version)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("holds for a pattern and itself", () => {
    fc.assert(
      fc.property(pattern, (any) => {
        expect(patternCovers(any, any)).toBe(true);
      }),
    );
  });

  test.each([
    ["*", "ui.", true],
    ["ui.", "*", false],
    ["ui.", "ui.notify.", true],
    ["ui.", "ui.notify@2", true],
    ["ui.notify.", "ui.", false],
    ["ui.notify.", "ui.notify", false],
    ["ui.notify", "ui.notify.", false],
    ["ui.notify", "ui.notify@2", true],
    ["ui.notify@2", "ui.notify", false],
    ["ui.notify@2", "ui.notify@3", false],
  ])("%s over %s: %s", (outer, inner, covers) => {
    expect(patternCovers(parseEventPattern(outer), parseEventPattern(inner))).toBe(covers);
  });
});

describe("minimalPatterns()", () => {
  const patterns = fc.array(pattern, { maxLength: 8 });

  test("leaves no two whose filters overlap on a server", () => {
    fc.assert(
      fc.property(patterns, (all) => {
        const filters = minimalPatterns(all).map((one) => patternToFilter(one));
        const pairs = filters.flatMap((a, i) => filters.slice(i + 1).map((b): [string, string] => [a, b]));
        expect(pairs.filter(([a, b]) => filtersOverlap(a, b))).toEqual([]);
      }),
      RUNS,
    );
  });

  test("means the same events as before", () => {
    fc.assert(
      fc.property(patterns, nearEvent, (all, { name, version }) => {
        const meant = (list: typeof all): boolean => list.some((one) => patternMatches(one, name, version));
        expect(meant(minimalPatterns(all))).toBe(meant(all));
      }),
      RUNS,
    );
  });

  test("keeps one of two that are the same, and the order", () => {
    const texts = ["ui.notify", "nlp.", "ui.notify", "nlp.intent.", "repo.x@1"];
    const left = minimalPatterns(texts.map(parseEventPattern)).map(({ text }) => text);
    expect(left).toEqual(["ui.notify", "nlp.", "repo.x@1"]);
  });
});
