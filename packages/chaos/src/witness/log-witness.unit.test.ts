import { describe, expect, test } from "vitest";
import { logLossOf } from "./log-witness.ts";

const line = (second: number, pid: number): string =>
  JSON.stringify({ time: `2026-01-05T09:30:0${second}.000Z`, event: "node starting", pid });
const start = (second: number, pid: number) => ({ pid, startedAt: `2026-01-05T09:30:0${second}.000Z` });

describe("logLossOf()", () => {
  test("counts starts that the log does not tell of, and lines that cannot be read", () => {
    const text = `${line(1, 11)}\n${line(2, 12)}\n{"time":"2026-\n`;
    const loss = logLossOf(text, [start(1, 11), start(2, 12), start(3, 13)]);
    expect(loss).toEqual({ lines: 3, torn: 1, starts: 3, missing: 1 });
  });

  test("expects nothing of what was rotated away", () => {
    expect(logLossOf(`${line(5, 15)}\n`, [start(1, 11), start(5, 15)])).toMatchObject({
      starts: 1,
      missing: 0,
    });
  });
});
