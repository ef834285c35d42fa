import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { untilAsked } from "./until-asked.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let before: Map<NodeJS.Signals, readonly unknown[]>;

function added(signal: NodeJS.Signals): NodeJS.SignalsListener[] {
  return process.listeners(signal).filter((listener) => !before.get(signal)?.includes(listener));
}

beforeEach(() => {
  before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
});
afterEach(() => {
  for (const signal of SIGNALS) {
    for (const listener of added(signal)) process.removeListener(signal, listener);
  }
});

describe("untilAsked()", () => {
  test.each(SIGNALS)("resolves at %s, and at a second one nothing more happens", async (signal) => {
    const asked = untilAsked();
    expect(asked.yet()).toBe(false);
    for (const listener of [...added(signal), ...added(signal)]) listener(signal);
    expect(await asked.promise).toBeUndefined();
    expect(asked.yet()).toBe(true);
  });
});
