import { LocalMarks } from "@adaos/transport-local";
import { beforeEach, describe, expect, test } from "vitest";
import {
  contractOf,
  envelopeOf,
  messageOfEnvelope,
  RecordingJournal,
  RecordingLog,
  registryOf,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import { MeshError } from "../language/errors.ts";
import type { Marks } from "../transport.ts";
import { Consumer, type ConsumerSettings, type OnEvent } from "./consume.ts";
import { MarkedOnce } from "./once.ts";
import { RETRY_PRESETS } from "./retry-policy.ts";

let journal = new RecordingJournal();
let outcomes: string[] = [];
beforeEach(() => {
  journal = new RecordingJournal();
  outcomes = [];
});

/** Marks that are kept when the test says so, and can be away. */
class SlowMarks implements Marks {
  readonly written: string[] = [];
  readonly #inner = new LocalMarks();
  readonly #waiting: (() => void)[] = [];
  isAway = false;
  failsToMark = false;

  has(durable: string, key: string): boolean {
    if (this.isAway) throw new MeshError("unavailable", "the marks are away");
    return this.#inner.has(durable, key);
  }

  mark(durable: string, key: string): Promise<void> {
    if (this.failsToMark) return Promise.reject(new MeshError("unavailable", "the disk failed"));
    this.written.push(key);
    return new Promise<void>((resolve) => this.#waiting.push(resolve)).then(() =>
      this.#inner.mark(durable, key),
    );
  }

  keep(): Promise<void> {
    for (const go of this.#waiting.splice(0)) go();
    return settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

function consumerOf(
  marks: Marks,
  onEvent: OnEvent<unknown>,
  changes: Partial<ConsumerSettings> = {},
): Consumer {
  const settings: ConsumerSettings = {
    address: { subnet: "alpha", node: "desk" },
    tenant: "default",
    isAllowed: () => true,
    durable: "d",
    maxConcurrency: 2,
    timeoutMs: 30_000,
    registry: registryOf(contractOf("ui.notify")),
    log: new RecordingLog(),
    retry: RETRY_PRESETS.p1,
    rules: [],
    journal,
    once: new MarkedOnce(marks, "d"),
    responder: undefined,
    metrics: undefined,
    onSettled: (outcome) => outcomes.push(outcome),
    onParked: () => undefined,
    ...changes,
  };
  return new Consumer(settings, onEvent);
}

function eventNo(n: number, deliveryCount = 1): TestDelivery {
  const event_id = `EVT-20250923-162000-${String(n).padStart(12, "0")}`;
  return new TestDelivery(messageOfEnvelope(envelopeOf({ event_id, data: n })), n, deliveryCount);
}

describe("Consumer, with marks", () => {
  test.each([
    ["ends at once", () => undefined],
    ["takes its time", () => new Promise((resolve) => setImmediate(resolve))],
  ])("makes room when a handler that %s has ended, and settles when its mark is kept", async (_, work) => {
    const marks = new SlowMarks();
    const begun: unknown[] = [];
    const consumer = consumerOf(marks, ({ data }) => {
      begun.push(data);
      return work();
    });
    const deliveries = Array.from({ length: 50 }, (_, n) => eventNo(n));
    for (const delivery of deliveries) consumer.take(delivery);
    await settle();
    await settle();
    await settle();
    expect(begun).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(deliveries.flatMap(({ settlements }) => settlements)).toEqual([]);
    await marks.keep();
    expect(deliveries.every(({ settlements }) => settlements[0]?.kind === "ack")).toBe(true);
  });

  test("begins handlers in order, also while the first look for marks takes its time", async () => {
    let open = (): void => undefined;
    const opening = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isOpen = false;
    // As a folder of marks that is read before the first look, and looked at without waiting after that.
    const marks: Marks = {
      has: () => (isOpen ? false : opening.then(() => false)),
      mark: async () => undefined,
    };
    void opening.then(() => {
      isOpen = true;
    });
    const begun: unknown[] = [];
    const consumer = consumerOf(marks, ({ data }) => void begun.push(data), { maxConcurrency: 16 });
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    for (const n of numbers) consumer.take(eventNo(n));
    open();
    await expect.poll(() => begun.length).toBe(100);
    expect(begun).toEqual(numbers);
  });

  test("runs no more handlers than there are places, however many are being marked", async () => {
    let [running, most] = [0, 0];
    const consumer = consumerOf(new SlowMarks(), async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
    });
    for (let n = 0; n < 20; n++) consumer.take(eventNo(n));
    await expect.poll(() => running === 0 && most).toBe(2);
  });

  test("with one place begins nothing before the mark of what went before is kept", async () => {
    const marks = new SlowMarks();
    const begun: unknown[] = [];
    const consumer = consumerOf(marks, ({ data }) => void begun.push(data), { maxConcurrency: 1 });
    for (const n of [1, 2, 3]) consumer.take(eventNo(n));
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await settle();
      expect(begun).toEqual(expected);
      await marks.keep();
    }
  });

  test("counts no run while nobody can tell what was handled, however often the event comes", async () => {
    const marks = new SlowMarks();
    marks.isAway = true;
    let ran = 0;
    // Each a process of its own: none remembers what it put off.
    for (let deliveryCount = 1; deliveryCount <= 255; deliveryCount++) {
      const delivery = eventNo(1, deliveryCount);
      consumerOf(marks, () => void ran++).take(delivery);
      await settle();
      expect(delivery.settlements).toEqual([{ kind: "nak", delayMs: 5000 }]);
    }
    expect([ran, journal.records, journal.deadLetters]).toEqual([0, [], []]);
    marks.isAway = false;
    const last = eventNo(1, 256);
    consumerOf(marks, () => void ran++).take(last);
    await settle();
    await marks.keep();
    expect([ran, last.settlements]).toEqual([1, [{ kind: "ack" }]]);
  });

  test("does not count a run that ended well as one that ended its process, though it was not marked", async () => {
    const marks = new SlowMarks();
    marks.failsToMark = true;
    let ran = 0;
    // A new process each time, so that the effect is repeated: it could not be marked.
    for (let deliveryCount = 6; deliveryCount <= 20; deliveryCount++) {
      const delivery = eventNo(1, deliveryCount);
      consumerOf(marks, () => void ran++).take(delivery);
      await settle();
      expect(delivery.settlements).toEqual([{ kind: "nak", delayMs: 5000 }]);
    }
    expect([ran, journal.deadLetters]).toEqual([15, []]);
  });

  test("tells of a handler that ends its process after three runs, and of no event beside it", async () => {
    const marks = new SlowMarks();
    for (let deliveryCount = 6; deliveryCount <= 8; deliveryCount++) {
      consumerOf(marks, () => new Promise(() => {})).take(eventNo(1, deliveryCount));
      await settle();
    }
    const last = eventNo(1, 9);
    consumerOf(marks, () => expect.fail("it ran again")).take(last);
    await settle();
    expect(last.settlements).toMatchObject([{ kind: "term" }]);
    expect(outcomes).toEqual(["deadLettered"]);
  });
});
