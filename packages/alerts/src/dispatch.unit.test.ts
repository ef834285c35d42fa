import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import { Dispatch, type DispatchOptions } from "./dispatch.ts";
import type { AlertRecord } from "./record.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

let sent: string[];
let done: string[];
let givenUp: string[];
/** Of the next deliveries, one after the other. */
let failures: Error[];
let dispatch: Dispatch;

function record(alert: string): AlertRecord {
  return { alert: { alert } } as AlertRecord;
}

function open(options: Partial<DispatchOptions> = {}): void {
  dispatch = new Dispatch({
    name: "webhook-ops",
    gatherMs: 10_000,
    pauseMs: 10_000,
    most: 100,
    deliver: async (records) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const seconds = (Date.now() - START_MS) / 1000;
      sent.push(`${seconds} s: ${records.map(({ alert }) => alert.alert).join(" ")}`);
    },
    onGivenUp: async (records, reason) => {
      givenUp.push(`${records.length} ${reason}`);
    },
    log: new RecordingLog(),
    ...options,
  });
}

const add = (...names: string[]): void => {
  for (const name of names) dispatch.add(record(name), () => done.push(name));
};
const status = (code: number): Error => Object.assign(new Error(`answers ${code}`), { status: code });

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  [sent, done, givenUp, failures] = [[], [], [], []];
  open();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Dispatch", () => {
  test("sends what comes within ten seconds as one", async () => {
    add("a", "b");
    await vi.advanceTimersByTimeAsync(5000);
    add("c");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual(["10 s: a b c"]);
    expect(done).toEqual(["a", "b", "c"]);
  });

  test("sends six messages a minute at most, however many alerts come", async () => {
    open({ gatherMs: 0, most: 200 });
    for (let i = 0; i < 600; i++) {
      add(`a${i}`);
      await vi.advanceTimersByTimeAsync(100);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent.length).toBeLessThanOrEqual(8);
    expect(done).toHaveLength(600);
  });

  test("tries again what was not taken, in order, and loses nothing", async () => {
    failures = [status(503), status(503)];
    add("raised");
    await vi.advanceTimersByTimeAsync(12_000);
    add("cleared");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent.map((line) => line.split(": ")[1])).toEqual(["raised", "cleared"]);
    expect(givenUp).toEqual([]);
  });

  test.each(["0", "-5", "soon", "", "1e9", "99999999999999999999", "Thu, 01 Jan 1970 00:00:00 GMT"])(
    "neither hurries nor waits for ever when it is told to try again after %j",
    async (after) => {
      const busy = (): Error =>
        Object.assign(status(429), { headers: new Headers({ "retry-after": after }) });
      failures = Array.from({ length: 1000 }, busy);
      add("a");
      await vi.advanceTimersByTimeAsync(60_000);
      const tried = 1000 - failures.length;
      expect(tried).toBeGreaterThan(0);
      expect(tried).toBeLessThan(7);
      failures = [];
      await vi.advanceTimersByTimeAsync(400_000);
      expect([givenUp, done]).toEqual([[], ["a"]]);
    },
  );

  test("gives up at once what time does not cure, keeps that, and goes on", async () => {
    failures = [status(404)];
    add("a");
    await vi.advanceTimersByTimeAsync(10_000);
    add("b");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([givenUp, done]).toEqual([["1 answers 404"], ["a", "b"]]);
    expect(sent.map((line) => line.split(": ")[1])).toEqual(["b"]);
  });

  test("keeps trying while what was given up cannot be kept", async () => {
    let refusals = 2;
    open({
      onGivenUp: async () => {
        if (refusals-- > 0) throw new Error("no room");
        givenUp.push("kept");
      },
    });
    failures = [status(404), status(404), status(404)];
    add("a");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([givenUp, done]).toEqual([["kept"], ["a"]]);
  });

  test("ends nothing after it was stopped: the next one is given it again", async () => {
    failures = [status(503)];
    add("a");
    await vi.advanceTimersByTimeAsync(11_000);
    await dispatch.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect([sent, done]).toEqual([[], []]);
  });
});
