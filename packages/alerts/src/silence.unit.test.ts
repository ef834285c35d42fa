import { describe, expect, test } from "vitest";
import { MAX_SILENCE_MS, newSilence, silencedName } from "./silence.ts";

describe("silencedName()", () => {
  test("takes alerts, rules, and the names of collectors", () => {
    expect(silencedName("linkDown/alpha")).toBe("linkDown/alpha");
    expect(silencedName("AdaosLinkDown")).toBe("linkDown");
  });

  test("refuses a name that would silence nothing", () => {
    expect(() => silencedName("linkDwon")).toThrow("did you mean linkDown?");
    expect(() => silencedName("")).toThrow("is judged");
  });
});

describe("newSilence()", () => {
  test("has an end, and no longer a reason than others read", () => {
    const silence = newSilence("linkDown", { forMs: 60_000, reason: "x".repeat(500), by: "me" }, 0);
    expect(silence).toMatchObject({ at: "1970-01-01T00:00:00.000Z", until: "1970-01-01T00:01:00.000Z" });
    expect(silence.reason.length).toBe(300);
  });

  test("does not last for ever, nor for no time", () => {
    for (const forMs of [0, -1, Number.NaN, MAX_SILENCE_MS + 1])
      expect(() => newSilence("linkDown", { forMs, reason: "", by: "me" }, 0)).toThrow("at most 90d");
  });
});
