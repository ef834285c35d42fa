import { describe, expect, test } from "vitest";
import { parseRecord, type Silence, silenceOf } from "./record.ts";

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");
const silence = (name: string, until: string): Silence => ({ name, until, reason: "", by: "", at: until });

describe("silenceOf()", () => {
  test("finds the one that lasts longest, of the alert or of its rule", () => {
    const silences = [
      silence("linkDown/alpha", "2026-01-01T13:00:00Z"),
      silence("linkDown", "2026-01-01T14:00:00Z"),
      silence("linkDown/beta", "2026-01-01T18:00:00Z"),
      silence("link", "2026-01-01T18:00:00Z"),
    ];
    expect(silenceOf(silences, "linkDown/alpha", NOW_MS)?.name).toBe("linkDown");
    expect(silenceOf(silences, "linkDown/beta", NOW_MS)?.name).toBe("linkDown/beta");
    expect(silenceOf(silences, "linkLagging/alpha/up", NOW_MS)).toBe(undefined);
  });

  test("passes over one that has ended", () => {
    expect(silenceOf([silence("linkDown", "2026-01-01T12:00:00Z")], "linkDown/alpha", NOW_MS)).toBe(
      undefined,
    );
  });
});

test.each(["", "{", "[]", '{"change":"raised"}'])("parseRecord() takes no %s", (text) => {
  expect(parseRecord(new TextEncoder().encode(text))).toBe(undefined);
});
