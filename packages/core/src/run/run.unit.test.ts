import { beforeEach, describe, expect, test } from "vitest";
import { RecordingJournal, RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { NonRetryableError, RetryableError } from "../handle/classify.ts";
import { RunCures } from "../handle/cure-times.ts";
import { type RunContext, type RunOptions, runAction } from "./run.ts";

const QUICK = { baseMs: 1, factor: 1, jitter: 0, maxRetries: 2 } as const;

describe("runAction()", () => {
  let journal = new RecordingJournal();
  let closing = new AbortController();
  beforeEach(() => {
    journal = new RecordingJournal();
    closing = new AbortController();
  });

  const run = <T>(action: (context: RunContext) => T | Promise<T>, options: RunOptions = {}) =>
    runAction(
      {
        address: { subnet: "alpha", node: "kitchen" },
        component: "app",
        journal,
        log: new RecordingLog(),
        cures: new RunCures(),
      },
      "backup.upload",
      action,
      { retry: QUICK, ...options },
      closing.signal,
    );

  test("gives the action's value and records that it succeeded, with its tags", async () => {
    const { runId, value, attempts } = await run(() => 42, { tags: ["nightly"] });
    expect([value, attempts]).toEqual([42, 1]);
    expect(journal.records).toMatchObject([
      {
        event_id: runId,
        event_type: "backup.upload",
        source: "app@kitchen",
        node: "alpha/kitchen",
        status: "success",
        tags: ["nightly"],
        retry_info: { count: 0, max_retries: 2 },
        recovery_actions: [],
      },
    ]);
  });

  test("repeats what time can cure, and keeps the history of what succeeds in the end", async () => {
    const attempts: number[] = [];
    const result = await run(({ attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) throw new RetryableError(`no ${attempt}`);
      return "up";
    });
    expect([result.value, result.attempts, attempts]).toEqual(["up", 3, [1, 2, 3]]);
    expect(journal.records.map(({ status }) => status)).toEqual(["retrying", "retrying", "success"]);
    expect(journal.records[1]).toMatchObject({
      error_info: { category: "transient", message: "no 2" },
      retry_info: { count: 1, backoff_seconds: 0.001, next_retry_at: expect.any(String) },
      attempts: [{ message: "no 1" }, { message: "no 2" }],
    });
    expect(journal.records[2]).toMatchObject({
      retry_info: { count: 2 },
      recovery_actions: [{ action: "exponential_backoff" }, { action: "exponential_backoff" }],
      attempts: [{ message: "no 1" }, { message: "no 2" }],
    });
    expect(journal.deadLetters).toEqual([]);
  });

  test("gives up at once what time cannot cure", async () => {
    const failure = new NonRetryableError("no such bucket");
    const error = await run(() => Promise.reject(failure)).catch((thrown: unknown) => thrown);
    const runId = journal.records[0]?.event_id;
    expect(error).toMatchObject({
      code: "failed",
      cause: failure,
      runId,
      message: expect.stringContaining("no such bucket"),
    });
    expect(journal.records).toMatchObject([
      {
        status: "failed",
        error_info: { category: "permanent" },
        retry_info: { count: 0 },
        recovery_actions: [{ action: "give_up" }],
      },
    ]);
    expect(journal.deadLetters).toMatchObject([
      {
        kind: "run",
        event_id: runId,
        event_name: "backup.upload",
        node: "alpha/kitchen",
        durable: "run",
        category: "permanent",
        attempts: [{ message: "no such bucket" }],
      },
    ]);
  });

  test("gives up when its retries are spent", async () => {
    await expect(run(() => Promise.reject(new Error("odd")))).rejects.toThrow("odd");
    expect(journal.records.map(({ status }) => status)).toEqual(["retrying", "retrying", "dead_letter"]);
    expect(journal.records.at(-1)).toMatchObject({
      error_info: { category: "unknown" },
      retry_info: { count: 2 },
      recovery_actions: [{}, {}, { action: "dead_letter" }],
    });
    expect(journal.deadLetters).toMatchObject([{ attempts: [{}, {}, {}], delivery_count: 3 }]);
  });

  test("ends an attempt at its deadline and aborts its signal", async () => {
    let signal: AbortSignal | undefined;
    const hangs = ({ signal: own }: RunContext): Promise<void> => {
      signal = own;
      return new Promise(() => {});
    };
    await expect(run(hangs, { timeoutMs: 5, retry: { maxRetries: 0 } })).rejects.toMatchObject({
      code: "failed",
      cause: { code: "timeout" },
    });
    expect(signal?.aborted).toBe(true);
  });

  test.each(["while it waits", "while it runs"])(
    "is ended %s when the bus closes or the caller aborts",
    async (when) => {
      const caller = new AbortController();
      const enders = [() => closing.abort(new Error("closed")), () => caller.abort(new Error("closed"))];
      for (const end of enders) {
        let tries = 0;
        const action = (): Promise<void> => {
          tries++;
          setTimeout(end, 5);
          return when === "while it runs"
            ? new Promise(() => {})
            : Promise.reject(new RetryableError("later"));
        };
        await expect(run(action, { retry: { baseMs: 60_000 }, signal: caller.signal })).rejects.toThrow(
          "closed",
        );
        expect(tries).toBeLessThanOrEqual(1);
      }
    },
  );

  test("goes on when its records cannot be stored", async () => {
    journal.refusal = new Error("hub away");
    expect((await run(() => 1)).value).toBe(1);
  });

  test.each([
    ["an empty name", "", {}],
    ["a name with a line end", "a\nb", {}],
    ["an empty tag", "a", { tags: [""] }],
    ["too many tags", "a", { tags: Array.from({ length: 33 }, () => "t") }],
    ["a retry policy that is none", "a", { retry: { maxRetries: -1 } }],
  ])("rejects %s as usage", async (_, name, options) => {
    const runner = {
      address: { subnet: "alpha", node: "kitchen" },
      component: "app",
      journal,
      log: new RecordingLog(),
    };
    await expect(runAction(runner, name, () => 1, options, closing.signal)).rejects.toMatchObject({
      code: "usage",
    });
  });
});
