import { describe, expect, test } from "vitest";
import { type Heard, reasonToEnd } from "./answer.ts";

const HEARD: Heard = { answer: { kind: "well" }, runsForMs: 1000, hasAnswered: true, failures: 0 };
const SILENT = { kind: "silent", reason: "does not answer" } as const;

describe("reasonToEnd()", () => {
  test("finds none while it is well, or waits for somebody else", () => {
    expect(reasonToEnd(HEARD)).toBeUndefined();
    expect(reasonToEnd({ ...HEARD, answer: { kind: "starting" } })).toBeUndefined();
  });

  test("ends what says that it is stuck, and what answered before and does not now", () => {
    expect(reasonToEnd({ ...HEARD, answer: { kind: "stuck", reason: "stream has got nowhere" } })).toBe(
      "stream has got nowhere",
    );
    expect(reasonToEnd({ ...HEARD, answer: SILENT })).toBe("does not answer");
  });

  test("gives what has just started its time, and twice as much after each start that took too long", () => {
    const starting = { ...HEARD, answer: SILENT, hasAnswered: false };
    expect(reasonToEnd({ ...starting, runsForMs: 119_000 })).toBeUndefined();
    expect(reasonToEnd({ ...starting, runsForMs: 121_000 })).toMatch(/^has not answered since/);
    expect(reasonToEnd({ ...starting, runsForMs: 121_000, failures: 1 })).toBeUndefined();
    expect(reasonToEnd({ ...starting, runsForMs: 241_000, failures: 1 })).toMatch(/^has not answered since/);
  });
});
