import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { openLog } from "./log.ts";

const LIMIT_BYTES = 10 * 1024 * 1024;
const CHECK_MS = 10_000;

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-log-"));
  file = join(dir, "logs/node.log");
  vi.useFakeTimers({ now: Date.UTC(2025, 8, 23, 16, 20) });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(dir, { recursive: true });
});

function lines(of: string = file): Record<string, unknown>[] {
  const text = readFileSync(of, "utf8").replaceAll("\0", "").trim();
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line));
}

/** Makes the log that large without writing to it. */
function grow(bytes: number): void {
  truncateSync(file, bytes);
}

describe("openLog()", () => {
  test("writes one JSON line with time, level, the node's fields, ours and a fixed event name", () => {
    const log = openLog({ level: "info", file, base: { mesh: "demo", node: "alpha/hub" } });
    log.warn({ durable: "d", delayMs: 7 }, "delivery nak");
    expect(lines()).toEqual([
      {
        level: "warn",
        time: "2025-09-23T16:20:00.000Z",
        mesh: "demo",
        node: "alpha/hub",
        durable: "d",
        delayMs: 7,
        event: "delivery nak",
      },
    ]);
  });

  test("has written a line when the call returns", () => {
    const log = openLog({ level: "info", file, base: {} });
    for (let n = 1; n <= 100; n++) {
      log.info({ n }, "line");
      if (lines().length !== n) throw new Error(`line ${n} is not in the file yet`);
    }
  });

  test("leaves out what is below its level", () => {
    const log = openLog({ level: "warn", file, base: {} });
    log.debug({}, "no");
    log.info({}, "no");
    log.error({}, "yes");
    expect(lines().map(({ event }) => event)).toEqual(["yes"]);
  });

  test("appends to what is there", () => {
    mkdirSync(join(dir, "logs"));
    writeFileSync(file, '{"event":"before"}\n');
    openLog({ level: "info", file, base: {} }).info({}, "after");
    expect(lines().map(({ event }) => event)).toEqual(["before", "after"]);
  });

  test("tells an error with its message and stack", () => {
    openLog({ level: "info", file, base: {} }).error({ err: new TypeError("broken") }, "failed");
    expect(lines()[0]?.["err"]).toMatchObject({
      type: "TypeError",
      message: "broken",
      stack: expect.stringContaining("log.unit.test"),
    });
  });

  test.each([
    ["seed", { seed: "SECRET" }],
    ["a seed one level down", { server: { seed: "SECRET" } }],
    ["a seed of an error", { err: Object.assign(new Error("x"), { seed: "SECRET" }) }],
    ["a password", { password: "SECRET", http: { password: "SECRET" } }],
    ["an authorization header", { headers: { authorization: "SECRET" } }],
  ])("never writes %s", (_, fields) => {
    openLog({ level: "info", file, base: {} }).info(fields, "x");
    expect(readFileSync(file, "utf8")).toMatch(/^(?!.*SECRET).*"\*\*\*"/);
  });

  test.each([
    [1, "standard output", {}],
    [2, "standard error", { toStandardError: true }],
  ])("writes to descriptor %d, %s, where no file is named", (descriptor, _, options) => {
    const writes: [number, string][] = [];
    const write = vi.spyOn(fs, "writeSync").mockImplementation(((fd: number, text: string) => {
      writes.push([fd, text]);
      return text.length;
    }) as never);
    openLog({ level: "info", base: {}, ...options }).info({}, "line");
    write.mockRestore();
    expect(writes).toEqual([[descriptor, expect.stringContaining('"event":"line"')]]);
  });

  test("is for its owner only, one that is there too, and shows every character", () => {
    mkdirSync(join(dir, "logs"));
    writeFileSync(file, "", { mode: 0o644 });
    openLog({ level: "info", file, base: {} }).warn({ text: "\u009b2J\u202e\u007f" }, "delivery nak");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain('"\\u009b2J\\u202e\\u007f"');
    expect(lines()[0]).toMatchObject({ text: "\u009b2J\u202e\u007f" });
  });

  test("refuses a file that cannot be written as invalid-config, naming it", () => {
    writeFileSync(join(dir, "blocked"), "");
    for (const bad of [dir, join(dir, "blocked/node.log")]) {
      const { code, message } = meshErrorOf(() => openLog({ level: "info", file: bad, base: {} }));
      expect([code, message]).toEqual(["invalid-config", expect.stringContaining(bad)]);
    }
  });
});

describe("openLog(), rotation", () => {
  test("puts a file of 10 MB aside and goes on in a new one, losing no line", () => {
    const log = openLog({ level: "info", file, base: {} });
    log.info({ n: 1 }, "line");
    grow(LIMIT_BYTES);
    vi.advanceTimersByTime(CHECK_MS);
    log.info({ n: 2 }, "line");
    expect(lines(`${file}.1`).map(({ n }) => n)).toEqual([1]);
    expect(lines().map(({ n }) => n)).toEqual([2]);
  });

  test("leaves a smaller file alone", () => {
    const log = openLog({ level: "info", file, base: {} });
    log.info({}, "line");
    grow(LIMIT_BYTES - 1);
    vi.advanceTimersByTime(10 * CHECK_MS);
    expect(existsSync(`${file}.1`)).toBe(false);
  });

  test("keeps one older file, not more", () => {
    const log = openLog({ level: "info", file, base: {} });
    for (const n of [1, 2, 3]) {
      log.info({ n }, "line");
      grow(LIMIT_BYTES);
      vi.advanceTimersByTime(CHECK_MS);
    }
    expect(lines(`${file}.1`).map(({ n }) => n)).toEqual([3]);
    expect(existsSync(`${file}.2`)).toBe(false);
    expect(statSync(file).size).toBe(0);
  });

  test("goes on when somebody has removed the file", () => {
    const log = openLog({ level: "info", file, base: {} });
    rmSync(file);
    vi.advanceTimersByTime(CHECK_MS);
    expect(() => log.info({}, "line")).not.toThrow();
  });

  test("goes on in the same file, and says so, when it cannot be put aside", () => {
    const log = openLog({ level: "info", file, base: {} });
    mkdirSync(`${file}.1/in-the-way`, { recursive: true });
    grow(LIMIT_BYTES);
    vi.advanceTimersByTime(CHECK_MS);
    log.info({}, "line");
    expect(lines().map(({ event }) => event)).toEqual(["log not rotated", "line"]);
  });

  test("does not keep a process alive", () => {
    const unref = vi.fn();
    const interval = vi.spyOn(globalThis, "setInterval").mockReturnValue({ unref } as never);
    openLog({ level: "info", file, base: {} });
    interval.mockRestore();
    expect(unref).toHaveBeenCalledOnce();
  });
});
