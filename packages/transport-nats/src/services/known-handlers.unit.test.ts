import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KnownHandlers } from "./known-handlers.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("KnownHandlers.of()", () => {
  test("asks once for all who ask meanwhile, and for those of the second after it", async () => {
    let asked = 0;
    const known = new KnownHandlers(async () => {
      asked++;
      return "some";
    });
    expect(await Promise.all(Array.from({ length: 64 }, () => known.of("evt.a")))).toContain("some");
    await known.of("evt.a");
    expect(asked).toBe(1);
    await known.of("evt.b");
    expect(asked).toBe(2);
    vi.advanceTimersByTime(1001);
    await known.of("evt.a");
    expect(asked).toBe(3);
  });

  test("believes neither that there is no handler, nor that one may be elsewhere, nor a failure", async () => {
    const answers = ["none", "unknown", new Error("away"), "some"] as const;
    let asked = 0;
    const known = new KnownHandlers(async () => {
      const answer = answers[asked++] ?? "none";
      if (typeof answer === "string") return answer;
      throw answer;
    });
    expect(await known.of("evt.a")).toBe("none");
    expect(await known.of("evt.a")).toBe("unknown");
    await expect(known.of("evt.a")).rejects.toThrow("away");
    expect(await known.of("evt.a")).toBe("some");
  });

  test("asks anew when there are more subjects than it remembers", async () => {
    let asked = 0;
    const known = new KnownHandlers(async () => {
      asked++;
      return "some";
    });
    for (let i = 0; i <= 1000; i++) await known.of(`evt.${i}`);
    await known.of("evt.0");
    expect(asked).toBe(1002);
  });
});
