import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  envelopeOf,
  messageOfEnvelope,
  RecordingJournal,
  RecordingLog,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import { parseDeliverySubject } from "../wire/subject.ts";
import { RetryableError } from "./classify.ts";
import { type FailedDelivery, FailureHandling, type FailureSettings } from "./failure-handling.ts";
import { RETRY_PRESETS } from "./retry-policy.ts";

const POLICY = { ...RETRY_PRESETS.adaptive, jitter: 0 };
let journal: RecordingJournal;
const newProcess = (changes: Partial<FailureSettings> = {}): FailureHandling =>
  new FailureHandling({
    address: { subnet: "alpha", node: "desk" },
    durable: "d",
    retry: POLICY,
    rules: [],
    journal,
    log: new RecordingLog(),
    ...changes,
  });

beforeEach(() => {
  vi.useFakeTimers();
  journal = new RecordingJournal();
});
afterEach(() => {
  vi.useRealTimers();
});

function failed(seq: number, deliveryCount: number): FailedDelivery {
  const delivery = new TestDelivery(messageOfEnvelope(envelopeOf()), seq, deliveryCount);
  return { delivery, address: parseDeliverySubject(delivery.message.subject), envelope: envelopeOf() };
}

/** An event that fails once and then does not. Gives back how long it had to wait. */
async function failOnce(handling: FailureHandling, seq: number, error: Error): Promise<number> {
  const first = failed(seq, 1);
  const { settlement } = await handling.failed(
    first,
    await handling.historyOf(first.delivery, envelopeOf().event_id),
    error,
  );
  const waitMs = settlement.kind === "nak" ? settlement.delayMs : Number.NaN;
  vi.advanceTimersByTime(waitMs);
  const second = failed(seq, 2);
  await handling.succeeded(second, await handling.historyOf(second.delivery, envelopeOf().event_id));
  return waitMs;
}

test("adaptive waits of one error grow shorter where attempts succeed, and the record says why", async () => {
  const handling = newProcess();
  const waitsMs: number[] = [];
  for (let seq = 1; seq <= 40; seq++) waitsMs.push(await failOnce(handling, seq, new RetryableError("busy")));
  expect(waitsMs.slice(0, 6)).toEqual([2000, 2000, 2000, 2000, 2000, 1000]);
  expect(waitsMs.at(-1)).toBeLessThan(1000);
  expect(Math.min(...waitsMs)).toBeGreaterThanOrEqual(POLICY.baseMs / 10);
  expect(journal.records.at(-1)?.recovery_actions).toMatchObject([
    { action: "adaptive_backoff", because: expect.stringMatching(/^50 % of 39 cures of RetryableError/) },
  ]);
  // Another error is another matter.
  expect(await failOnce(handling, 41, new Error("x"))).toBe(2000);
});

test("adaptive waits are forgotten after an hour", async () => {
  const handling = newProcess();
  for (let seq = 1; seq <= 10; seq++) await failOnce(handling, seq, new RetryableError("busy"));
  expect(await failOnce(handling, 11, new RetryableError("busy"))).toBeLessThan(2000);
  vi.advanceTimersByTime(3_600_001);
  expect(await failOnce(handling, 12, new RetryableError("busy"))).toBe(2000);
});

test("what another process has seen fail teaches the one in which it succeeds", async () => {
  const [one, other] = [newProcess(), newProcess()];
  for (let seq = 1; seq <= 5; seq++) {
    const first = failed(seq, 1);
    await one.failed(
      first,
      await one.historyOf(first.delivery, envelopeOf().event_id),
      new RetryableError("busy"),
    );
    vi.advanceTimersByTime(2000);
    const second = failed(seq, 2);
    await other.succeeded(second, await other.historyOf(second.delivery, envelopeOf().event_id));
  }
  expect(await failOnce(other, 6, new RetryableError("busy"))).toBe(1000);
});
