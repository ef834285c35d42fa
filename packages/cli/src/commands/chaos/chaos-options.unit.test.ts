import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { until } from "../../../../../test/kit/mesh.ts";
import { parseSpan, untilInterrupted } from "./chaos-options.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const before = SIGNALS.map((name) => process.listeners(name));
afterEach(() => {
  SIGNALS.forEach((name, i) => {
    for (const listener of process.listeners(name))
      if (before[i]?.includes(listener) !== true) process.removeListener(name, listener);
  });
});

/** Collects what nobody holds any more. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

describe("untilInterrupted()", () => {
  test("aborts when the time is over, however much is collected meanwhile", async () => {
    const signal = untilInterrupted(200);
    expect(signal.aborted).toBe(false);
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
    await until("it aborts", () => signal.aborted, 5000);
  });

  test("aborts at a signal, and never by itself without a time", async () => {
    const signal = untilInterrupted();
    process.emit("SIGTERM", "SIGTERM");
    await until("it aborts", () => signal.aborted, 5000);
  });
});

describe("parseSpan()", () => {
  test("takes seconds without a unit, and at most a week", () => {
    expect([parseSpan("60"), parseSpan("10m")]).toEqual([60_000, 600_000]);
    expect(() => parseSpan("8d")).toThrow("at most 7d");
  });
});
