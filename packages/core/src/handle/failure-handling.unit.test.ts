import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  envelopeOf,
  messageOfEnvelope,
  RecordingJournal,
  RecordingLog,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import type { DeadLetter } from "../dead-letter/dead-letter.ts";
import { MeshError } from "../language/errors.ts";
import type { Delivery, Message, Settlement } from "../transport.ts";
import { parseDeliverySubject } from "../wire/subject.ts";
import { NonRetryableError, RetryableError } from "./classify.ts";
import {
  type FailedDelivery,
  type FailureEnding,
  FailureHandling,
  type FailureSettings,
  type History,
  NO_HISTORY,
  type Verdict,
} from "./failure-handling.ts";
import { RETRY_PRESETS, resolveRetry } from "./retry-policy.ts";

const START_MS = Date.parse("2025-09-23T16:20:00.000Z");
const log = new RecordingLog();
let journal = new RecordingJournal();

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  log.lines.length = 0;
  journal = new RecordingJournal();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A process that handles failures of desk's durable `d`; a second one is its successor or its competitor. */
function newProcess(changes: Partial<FailureSettings> = {}): FailureHandling {
  return new FailureHandling({
    address: { subnet: "alpha", node: "desk" },
    durable: "d",
    retry: { ...RETRY_PRESETS.p1, jitter: 0 },
    rules: [],
    journal,
    log,
    ...changes,
  });
}

function opened(delivery: Delivery): FailedDelivery {
  return { delivery, address: parseDeliverySubject(delivery.message.subject), envelope: envelopeOf() };
}

function deliveryOf(deliveryCount: number, seq = 7): TestDelivery {
  return new TestDelivery(messageOfEnvelope(envelopeOf()), seq, deliveryCount);
}

/** One failed attempt, from its history to its settlement. */
async function fail(process: FailureHandling, thrown: unknown, deliveryCount = 1): Promise<FailureEnding> {
  const delivery = deliveryOf(deliveryCount);
  const history = await process.historyOf(delivery, envelopeOf().event_id);
  return process.failed(opened(delivery), history, thrown);
}

/** One attempt that succeeds. */
async function succeed(process: FailureHandling, deliveryCount: number): Promise<void> {
  const delivery = deliveryOf(deliveryCount);
  await process.succeeded(opened(delivery), await process.historyOf(delivery, envelopeOf().event_id));
}

/** The next delivery of an event about which this process has decided. */
async function endVerdict(process: FailureHandling, deliveryCount: number): Promise<FailureEnding> {
  const delivery = deliveryOf(deliveryCount);
  const history = await process.historyOf(delivery, envelopeOf().event_id);
  return process.condemned(opened(delivery), history, history.verdict as Verdict);
}

function theDeadLetter(): DeadLetter {
  expect(journal.deadLetters).toHaveLength(1);
  return journal.deadLetters[0] as DeadLetter;
}

const UNAVAILABLE = new MeshError("unavailable", "no hub");

describe("FailureHandling, retrying", () => {
  test("naks with the policy's wait and records where the event stands", async () => {
    expect(await fail(newProcess(), new Error("boom"))).toEqual({
      settlement: { kind: "nak", delayMs: 2000 },
      outcome: "retried",
      category: "unknown",
    });
    expect(journal.deadLetters).toEqual([]);
    expect(journal.records).toEqual([
      {
        event_id: envelopeOf().event_id,
        timestamp: "2025-09-23T16:20:00.000Z",
        event_type: "ui.notify",
        source: "app@kitchen",
        node: "alpha/desk",
        durable: "d",
        stream: "EVENTS_alpha",
        seq: 7,
        status: "retrying",
        error_info: {
          category: "unknown",
          message: "boom",
          type: "Error",
          stacktrace: expect.stringContaining("boom"),
          context: { rule: "none" },
        },
        retry_info: {
          count: 0,
          max_retries: 3,
          next_retry_at: "2025-09-23T16:20:02.000Z",
          backoff_seconds: 2,
        },
        recovery_actions: [
          {
            timestamp: "2025-09-23T16:20:00.000Z",
            action: "exponential_backoff",
            backoff_seconds: 2,
            event_id: envelopeOf().event_id,
          },
        ],
        attempts: [{ at: "2025-09-23T16:20:00.000Z", type: "Error", message: "boom" }],
      },
    ]);
  });

  test("waits as the failure asks", async () => {
    const { settlement } = await fail(newProcess(), new RetryableError("x", { retryAfterMs: 31_000 }));
    expect(settlement).toEqual({ kind: "nak", delayMs: 31_000 });
  });

  test("retries also when the record of it cannot be stored", async () => {
    journal.refusal = UNAVAILABLE;
    expect((await fail(newProcess(), new Error("x"))).settlement).toEqual({ kind: "nak", delayMs: 2000 });
    expect(log.lines.map(({ event }) => event)).toEqual(["delivery failed", "processing record not stored"]);
  });

  test.each<[what: string, thrown: unknown]>([
    ["nothing", undefined],
    ["an object without a prototype", Object.create(null)],
    ["an error whose name is a number", Object.assign(new Error("x"), { name: 7 })],
    ["an error whose message is an object", Object.assign(new Error("x"), { message: { a: 1 } })],
    ["an error whose stack is a number", Object.assign(new Error("x"), { stack: 7 })],
  ])("does not fail over %s", async (_, thrown) => {
    expect(await fail(newProcess(), thrown)).toMatchObject({ outcome: "retried" });
    expect(await fail(newProcess({ rules: [() => "permanent"] }), thrown)).toMatchObject({
      settlement: { kind: "term", reason: expect.any(String) },
    });
  });

  test("does not fail over a rule that throws", async () => {
    const rules = [
      (): never => {
        throw new Error("rule");
      },
    ];
    expect((await fail(newProcess({ rules }), new RetryableError("x"))).outcome).toBe("retried");
  });
});

describe("FailureHandling, history", () => {
  test("asks nobody about a first delivery", async () => {
    expect(await newProcess().historyOf(deliveryOf(1), "e")).toBe(NO_HISTORY);
    expect(journal.calls).toEqual([]);
  });

  test("asks nobody about failures that were all its own", async () => {
    const process = newProcess();
    await fail(process, new Error("x"), 1);
    journal.calls.length = 0;
    expect(await process.historyOf(deliveryOf(2), envelopeOf().event_id)).toMatchObject({ failures: 1 });
    expect(journal.calls).toEqual([]);
  });

  test("goes on where a process that is gone left off", async () => {
    await fail(newProcess(), new Error("x"), 1);
    await fail(newProcess(), new Error("x"), 2);
    const history = await newProcess().historyOf(deliveryOf(3), envelopeOf().event_id);
    expect([history.failures, history.actions.map(({ backoff_seconds: s }) => s)]).toEqual([2, [2, 4]]);
    expect((await fail(newProcess(), new Error("x"), 3)).settlement).toEqual({ kind: "nak", delayMs: 8000 });
    expect((await fail(newProcess(), new Error("x"), 4)).outcome).toBe("deadLettered");
  });

  test("gives processes that share a durable no more attempts than one", async () => {
    const [one, other] = [newProcess(), newProcess()];
    const outcomes: string[] = [];
    for (const [i, process] of [one, other, one, other].entries()) {
      outcomes.push((await fail(process, new Error("x"), i + 1)).outcome);
    }
    expect(outcomes).toEqual(["retried", "retried", "retried", "deadLettered"]);
    expect(journal.records.map(({ retry_info: info }) => info?.count)).toEqual([0, 1, 2, 3]);
  });

  test("takes no record of another delivery of the same id", async () => {
    await fail(newProcess(), new Error("x"), 1);
    const history = await newProcess().historyOf(deliveryOf(2, 99), envelopeOf().event_id);
    expect(history).toEqual(NO_HISTORY);
  });

  test("counts a delivery that ended without an answer as no failure", async () => {
    expect((await fail(newProcess(), new Error("x"), 9)).settlement).toEqual({ kind: "nak", delayMs: 2000 });
  });

  test("tells that it could not be found out, since an earlier verdict may be missing", async () => {
    await fail(newProcess(), new Error("x"), 1);
    journal.refusal = UNAVAILABLE;
    const process = newProcess();
    const history = await process.historyOf(deliveryOf(2), "e");
    expect(history).toEqual({ ...NO_HISTORY, trouble: UNAVAILABLE });
    expect(process.held(deliveryOf(2), history, UNAVAILABLE)).toEqual({ kind: "nak", delayMs: 5000 });
    // Put off is no failure, and no reason to think that a handler ends its process.
    expect(await process.historyOf(deliveryOf(2), "e")).toEqual({ ...NO_HISTORY, holds: 1 });
  });

  test("asks the journal nothing of what is no envelope: it has no record of it", async () => {
    journal.refusal = UNAVAILABLE;
    expect(await newProcess().historyOf(deliveryOf(2), undefined)).toEqual(NO_HISTORY);
    expect(journal.calls).toEqual([]);
  });

  test("keeps what it knows itself while the journal is away", async () => {
    const process = newProcess();
    await fail(process, new Error("x"), 1);
    journal.refusal = UNAVAILABLE;
    // The second delivery was handed back at some stop.
    expect(await process.historyOf(deliveryOf(3), envelopeOf().event_id)).toMatchObject({ failures: 1 });
  });

  test("asks the journal about events that it has long forgotten", async () => {
    const process = newProcess();
    await fail(process, new Error("x"), 1);
    for (let seq = 100; seq < 10_100; seq++) {
      await process.failed({ ...opened(deliveryOf(1, seq)), envelope: undefined }, NO_HISTORY, "x");
    }
    journal.calls.length = 0;
    expect(await process.historyOf(deliveryOf(2), envelopeOf().event_id)).toMatchObject({ failures: 1 });
    expect(journal.calls).toEqual(["lastRecord"]);
  });
});

describe("FailureHandling, dead letters", () => {
  test("records the verdict, stores the dead letter, and only then has the original ended", async () => {
    let setStored = (): void => undefined;
    const stored = new Promise<void>((resolve) => {
      setStored = resolve;
    });
    const store = vi.spyOn(journal, "storeDeadLetter").mockReturnValue(stored);
    let ended: Settlement | undefined;
    const ending = fail(newProcess(), new NonRetryableError("no such user")).then(({ settlement }) => {
      ended = settlement;
    });
    await vi.advanceTimersByTimeAsync(1000);
    expect([journal.calls, store.mock.calls.length, ended]).toEqual([["record failed"], 1, undefined]);
    setStored();
    await ending;
    expect(ended).toEqual({ kind: "term", reason: "no such user" });
    expect(journal.records).toMatchObject([
      {
        status: "failed",
        error_info: { category: "permanent" },
        retry_info: { count: 0 },
        recovery_actions: [{ action: "give_up" }],
      },
    ]);
  });

  test("says why, whose and where", async () => {
    await fail(newProcess(), new NonRetryableError("no such user"));
    expect(theDeadLetter()).toEqual({
      dead_letter_id: "DLQ-EVENTS_alpha-7-desk.d",
      at: "2025-09-23T16:20:00.000Z",
      category: "permanent",
      rule: "typed",
      error: {
        type: "NonRetryableError",
        message: "no such user",
        stack: expect.stringContaining("no such user"),
      },
      attempts: [{ at: "2025-09-23T16:20:00.000Z", type: "NonRetryableError", message: "no such user" }],
      delivery_count: 1,
      node: "alpha/desk",
      durable: "d",
      stream: "EVENTS_alpha",
      seq: 7,
      subject: "evt.alpha.kitchen.ui.notify.v1",
      event_id: envelopeOf().event_id,
      event_name: "ui.notify",
      correlation_id: "c-1",
      message: expect.anything(),
    });
  });

  test("tells every attempt with its time", async () => {
    const process = newProcess();
    for (const [i, wait] of [2000, 4000, 8000, 0].entries()) {
      await fail(process, new RetryableError(`try ${i + 1}`), i + 1);
      vi.advanceTimersByTime(wait);
    }
    expect(theDeadLetter()).toMatchObject({ category: "transient", delivery_count: 4 });
    expect(theDeadLetter().attempts).toEqual([
      { at: "2025-09-23T16:20:00.000Z", type: "RetryableError", message: "try 1" },
      { at: "2025-09-23T16:20:02.000Z", type: "RetryableError", message: "try 2" },
      { at: "2025-09-23T16:20:06.000Z", type: "RetryableError", message: "try 3" },
      { at: "2025-09-23T16:20:14.000Z", type: "RetryableError", message: "try 4" },
    ]);
    expect(journal.records.at(-1)?.recovery_actions.map(({ action }) => action)).toEqual([
      "exponential_backoff",
      "exponential_backoff",
      "exponential_backoff",
      "dead_letter",
    ]);
  });

  test("holds the original byte for byte, its headers too, also where it is no envelope", async () => {
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const headers = { traceparent: "00-a-b-01", "x-odd": " ü\u0000" };
    const id = "EVT-20250923-162000-0123456789ab";
    const message: Message = { subject: "none.of.ours", id, headers, body };
    const delivery = new TestDelivery(message, 8);
    const unreadable = { delivery, address: undefined, envelope: undefined };
    await newProcess().failed(unreadable, NO_HISTORY, new MeshError("invalid-event", "no envelope"));
    const { message: original, ...about } = theDeadLetter();
    expect(original.headers).toEqual(headers);
    expect(new Uint8Array(Buffer.from(original.body_base64, "base64"))).toEqual(body);
    expect(about).toMatchObject({ subject: "none.of.ours", event_id: id, event_name: "" });
    expect(journal.records).toEqual([]);
  });

  test.each([
    ["permanent", new NonRetryableError("no such user")],
    ["transient", new RetryableError("no such user")],
  ])("is stored by the successor of a process that ended before it could, %s", async (category, thrown) => {
    const retry = { ...RETRY_PRESETS.p1, maxRetries: 0 };
    vi.spyOn(journal, "storeDeadLetter").mockReturnValueOnce(new Promise(() => undefined));
    void fail(newProcess({ retry }), thrown);
    await vi.advanceTimersByTimeAsync(1000);
    const successor = newProcess({ retry });
    const delivery = deliveryOf(2);
    const history = await successor.historyOf(delivery, envelopeOf().event_id);
    const verdict = history.verdict as Verdict;
    expect(await successor.condemned(opened(delivery), history, verdict)).toEqual({
      settlement: { kind: "term", reason: "no such user" },
      outcome: "deadLettered",
      category,
    });
    expect(theDeadLetter()).toMatchObject({
      category,
      rule: "typed",
      error: { type: thrown.name, message: "no such user", stack: thrown.stack },
      attempts: [{ at: "2025-09-23T16:20:00.000Z", type: thrown.name, message: "no such user" }],
      delivery_count: 2,
    });
  });

  test("has one id per event, node and durable, whatever dashes their names hold", async () => {
    await fail(newProcess(), new NonRetryableError("x"));
    await fail(newProcess(), new NonRetryableError("x"), 2);
    const node = (name: string, durable: string): FailureHandling =>
      newProcess({ address: { subnet: "alpha", node: name }, durable });
    await fail(node("desk-a", "b"), new NonRetryableError("x"));
    await fail(node("desk", "a-b"), new NonRetryableError("x"));
    expect(journal.deadLetters.map(({ node: of, durable }) => [of, durable])).toEqual([
      ["alpha/desk", "d"],
      ["alpha/desk-a", "b"],
      ["alpha/desk", "a-b"],
    ]);
  });

  test("stays small enough for a message after a thousand attempts with long errors", async () => {
    const process = newProcess({ retry: resolveRetry({ maxRetries: 1000 }) });
    const long = new Error("é".repeat(1_000_000));
    for (let attempt = 1; attempt <= 1001; attempt++) await fail(process, long, attempt);
    expect(JSON.stringify(theDeadLetter()).length).toBeLessThan(100_000);
    expect(JSON.stringify(journal.records.at(-1)).length).toBeLessThan(100_000);
    expect(journal.records.at(-1)).toMatchObject({ retry_info: { count: 1000 } });
  });

  test("bounds the reason that it gives the broker", async () => {
    const { settlement } = await fail(newProcess(), new NonRetryableError("x".repeat(1_000_000)));
    expect(settlement.kind === "term" && settlement.reason.length).toBe(2000);
  });

  test("is not stored, nor the original ended, before its verdict is recorded", async () => {
    const record = vi.spyOn(journal, "record").mockRejectedValueOnce(UNAVAILABLE);
    const process = newProcess();
    expect((await fail(process, new NonRetryableError("x"))).outcome).toBe("held");
    expect(journal.calls).not.toContain("storeDeadLetter");
    record.mockRestore();
    expect((await endVerdict(process, 2)).outcome).toBe("deadLettered");
    expect(theDeadLetter()).toMatchObject({ seq: 7, delivery_count: 2, error: { message: "x" } });
  });
});

describe("FailureHandling, a dead letter that cannot be stored", () => {
  test("keeps the original, to be tried again in 5 s", async () => {
    journal.refusal = UNAVAILABLE;
    expect(await fail(newProcess(), new NonRetryableError("x"))).toEqual({
      settlement: { kind: "nak", delayMs: 5000 },
      outcome: "held",
      category: "permanent",
    });
    expect(log.lines.map(({ level, event }) => [level, event])).toEqual([
      ["error", "delivery failed for good"],
      ["error", "dead letter not stored"],
    ]);
  });

  test("stores it, with its own error, when the journal is back after however long", async () => {
    const process = newProcess();
    journal.refusal = UNAVAILABLE;
    expect((await fail(process, new NonRetryableError("x"))).outcome).toBe("held");
    for (let count = 2; count <= 200; count++)
      expect((await endVerdict(process, count)).outcome).toBe("held");
    journal.refusal = undefined;
    expect((await endVerdict(process, 201)).outcome).toBe("deadLettered");
    expect(theDeadLetter()).toMatchObject({
      error: { type: "NonRetryableError" },
      delivery_count: 201,
      attempts: [{ message: "x" }],
    });
  });

  test.each([
    ["unknown", new MeshError("timeout", "no answer")],
    ["certain", UNAVAILABLE],
  ])("keeps the verdict where it is %s whether it is stored", async (_, refusal) => {
    const process = newProcess();
    vi.spyOn(journal, "storeDeadLetter").mockRejectedValueOnce(refusal).mockRejectedValueOnce(UNAVAILABLE);
    expect((await fail(process, new NonRetryableError("x"))).outcome).toBe("held");
    expect((await endVerdict(process, 2)).outcome).toBe("held");
    expect((await endVerdict(process, 3)).outcome).toBe("deadLettered");
    expect(theDeadLetter()).toMatchObject({ error: { message: "x" }, attempts: [{ message: "x" }] });
  });
});

describe("FailureHandling.succeeded()", () => {
  test("writes nothing about a plain success", async () => {
    await succeed(newProcess(), 1);
    await succeed(newProcess(), 2);
    expect(journal.records).toEqual([]);
  });

  test.each([
    ["the same process", false],
    ["its successor", true],
  ])("records what it took, in %s", async (_, isRestarted) => {
    const first = newProcess();
    await fail(first, new Error("x"), 1);
    vi.advanceTimersByTime(2000);
    await fail(first, new Error("x"), 2);
    vi.advanceTimersByTime(4000);
    await succeed(isRestarted ? newProcess() : first, 3);
    const last = journal.records.at(-1);
    expect(last).toMatchObject({
      status: "success",
      timestamp: "2025-09-23T16:20:06.000Z",
      retry_info: { count: 2, max_retries: 3 },
      recovery_actions: [
        { timestamp: "2025-09-23T16:20:00.000Z", action: "exponential_backoff", backoff_seconds: 2 },
        { timestamp: "2025-09-23T16:20:02.000Z", action: "exponential_backoff", backoff_seconds: 4 },
      ],
    });
    expect(last?.attempts).toMatchObject([{ message: "x" }, { message: "x" }]);
    expect(last).not.toHaveProperty("error_info");
    expect(last?.retry_info).not.toHaveProperty("next_retry_at");
  });

  test("stands also when its record cannot be stored", async () => {
    const process = newProcess();
    await fail(process, new Error("x"), 1);
    journal.refusal = UNAVAILABLE;
    await expect(succeed(process, 2)).resolves.toBeUndefined();
    expect(log.lines.at(-1)?.event).toBe("processing record not stored");
  });
});

describe("FailureHandling.begin()", () => {
  const begin = async (process: FailureHandling, deliveryCount: number): Promise<History> => {
    const delivery = deliveryOf(deliveryCount);
    return process.begin(opened(delivery), await process.historyOf(delivery, envelopeOf().event_id));
  };

  test.each([2, 5])("writes nothing down at delivery %d", async (deliveryCount) => {
    expect(await begin(newProcess(), deliveryCount)).toEqual(NO_HISTORY);
    expect(journal.records).toEqual([]);
  });

  test("tells after three runs that ended their process that the next one is not to be tried", async () => {
    for (const deliveryCount of [6, 7, 8]) {
      const { starts } = await begin(newProcess(), deliveryCount);
      expect(starts).toBe(deliveryCount - 5);
    }
    expect(journal.records.map(({ status, retry_info: info }) => [status, info?.starts])).toEqual([
      ["pending", 1],
      ["pending", 2],
      ["pending", 3],
    ]);
    const refusal = begin(newProcess(), 9);
    await expect(refusal).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("3 times"),
    });
    const reason = await refusal.catch((thrown: unknown) => thrown);
    expect((await fail(newProcess(), reason, 9)).outcome).toBe("deadLettered");
    expect(theDeadLetter()).toMatchObject({ category: "permanent", delivery_count: 9 });
  });

  test("does not count deliveries that were handed back, put off or failed", async () => {
    expect((await begin(newProcess(), 1000)).starts).toBe(1);
    const process = newProcess({ retry: resolveRetry({ maxRetries: 100 }) });
    for (let count = 1; count <= 20; count++) await fail(process, new Error("x"), count);
    expect((await begin(process, 21)).starts).toBe(0);
  });

  test("begins anew when a run has ended, and its success is recorded", async () => {
    await begin(newProcess(), 6);
    const delivery = deliveryOf(7);
    const process = newProcess();
    const history = await begin(process, 7);
    await process.succeeded(opened(delivery), history);
    expect(journal.records.at(-1)).toMatchObject({ status: "success" });
    expect(journal.records.at(-1)?.retry_info).not.toHaveProperty("starts");
  });

  test("rejects as the journal does", async () => {
    vi.spyOn(journal, "record").mockRejectedValue(UNAVAILABLE);
    await expect(begin(newProcess(), 6)).rejects.toBe(UNAVAILABLE);
  });
});
