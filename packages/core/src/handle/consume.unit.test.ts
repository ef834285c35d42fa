import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  contractOf,
  envelopeOf,
  maskAll,
  messageOfEnvelope,
  RecordingJournal,
  RecordingLog,
  registryOf,
  TestDelivery,
} from "../../../../test/kit/stand-ins.ts";
import type { EventParking } from "../dead-letter/failure-journal.ts";
import { MeshError } from "../language/errors.ts";
import { handlerScope } from "../publish/handler-scope.ts";
import { REPLY_KEY_HEADER } from "../request/reply-proof.ts";
import type { Settlement } from "../transport.ts";
import { type ClassifyRule, NonRetryableError } from "./classify.ts";
import { Consumer, type ConsumerSettings, type OnEvent } from "./consume.ts";
import { RETRY_PRESETS } from "./retry-policy.ts";

const log = new RecordingLog();
const outcomes: string[] = [];
let journal = new RecordingJournal();

function settingsOf(changes: Partial<ConsumerSettings> = {}): ConsumerSettings {
  return {
    address: { subnet: "alpha", node: "desk" },
    tenant: "default",
    isAllowed: () => true,
    durable: "d",
    maxConcurrency: 16,
    timeoutMs: 30_000,
    registry: registryOf(contractOf("ui.notify")),
    log,
    retry: RETRY_PRESETS.p1,
    rules: [],
    journal,
    once: "off",
    responder: undefined,
    metrics: undefined,
    onSettled: (outcome) => outcomes.push(outcome),
    onParked: () => undefined,
    ...changes,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  log.lines.length = 0;
  outcomes.length = 0;
  journal = new RecordingJournal();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A delivery of a valid event that tells its number. */
function parkingBy(park: EventParking["park"]): EventParking {
  return { park, parked: async () => [], release: async () => 0 };
}

function numbered(n: number, deliveryCount = 1): TestDelivery {
  return new TestDelivery(messageOfEnvelope(envelopeOf({ data: n })), n, deliveryCount);
}

/** An object that other libraries return for a promise. */
function thenable(then: (resolve: () => void) => void): object {
  return { then };
}

/** The settlements of one delivery. */
async function settled(
  onEvent: OnEvent<unknown>,
  delivery: TestDelivery = numbered(1),
  changes: Partial<ConsumerSettings> = {},
): Promise<Settlement[]> {
  new Consumer(settingsOf(changes), onEvent).take(delivery);
  await vi.advanceTimersByTimeAsync(60_000);
  return delivery.settlements;
}

function between(least: number, most: number): number {
  return expect.toSatisfy((value: number) => value >= least && value <= most);
}

const RETRY = { kind: "nak", delayMs: between(1600, 2400) };

describe("Consumer, handing over", () => {
  test("gives the handler the envelope, its authenticated origin and its place in the stream", async () => {
    let seen: Parameters<OnEvent<unknown>> | undefined;
    const delivery = new TestDelivery(messageOfEnvelope(envelopeOf()), 7, 3);
    await settled((event, about) => {
      seen = [event, about];
    }, delivery);
    expect(seen?.[0]).toEqual(envelopeOf());
    expect(seen?.[1]).toMatchObject({
      address: { subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 },
      deliveryCount: 3,
      stream: "EVENTS_alpha",
      seq: 7,
    });
  });

  test("starts handlers in the order of arrival, at most maxConcurrency at a time", async () => {
    const started: unknown[] = [];
    const ends: (() => void)[] = [];
    const consumer = new Consumer(settingsOf({ maxConcurrency: 2 }), ({ data }) => {
      started.push(data);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    for (let n = 1; n <= 5; n++) consumer.take(numbered(n));
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual([1, 2]);
    ends[1]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual([1, 2, 3]);
    ends[0]?.();
    ends[2]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(started).toEqual([1, 2, 3, 4, 5]);
  });

  test("keeps strict order with a concurrency of 1, whatever time each takes", async () => {
    const order: string[] = [];
    const consumer = new Consumer(settingsOf({ maxConcurrency: 1 }), async ({ data }) => {
      order.push(`begin ${data}`);
      await new Promise((resolve) => setTimeout(resolve, 100 - 30 * Number(data)));
      order.push(`end ${data}`);
    });
    for (const n of [1, 2, 3]) consumer.take(numbered(n));
    await vi.advanceTimersByTimeAsync(1000);
    expect(order).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  });

  test("sets the scope that a publish inherits, each handler its own, across awaits", async () => {
    const scopes: unknown[] = [];
    const consumer = new Consumer(settingsOf(), async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      scopes.push(handlerScope.getStore());
    });
    const ids = ["EVT-20250923-162000-aaaaaa", "EVT-20250923-162000-bbbbbb"];
    for (const [i, event_id] of ids.entries()) {
      consumer.take(new TestDelivery(messageOfEnvelope(envelopeOf({ event_id, correlation_id: `c-${i}` }))));
    }
    await vi.advanceTimersByTimeAsync(100);
    expect(scopes).toEqual([
      { correlationId: "c-0", eventId: ids[0] },
      { correlationId: "c-1", eventId: ids[1] },
    ]);
    expect(handlerScope.getStore()).toBeUndefined();
  });
});

describe("Consumer, settling what was handled", () => {
  test.each<[what: string, onEvent: OnEvent<unknown>]>([
    ["returns nothing", () => undefined],
    ["returns a value", () => false],
    ["resolves", async () => "x"],
    ["returns a thenable that resolves", () => thenable((resolve) => resolve())],
    ["resolves just before its time is up", () => new Promise((resolve) => setTimeout(resolve, 29_999))],
  ])("acks when the handler %s", async (_, onEvent) => {
    expect(await settled(onEvent)).toEqual([{ kind: "ack" }]);
    expect(outcomes).toEqual(["handled"]);
  });

  test.each<[what: string, onEvent: OnEvent<unknown>]>([
    [
      "throws",
      () => {
        throw new Error("x");
      },
    ],
    ["rejects", () => Promise.reject(new Error("x"))],
    ["rejects with nothing", () => Promise.reject()],
    ["throws what no text can be made of", () => Promise.reject(Object.create(null))],
    [
      "throws a MeshError that time cures",
      () => Promise.reject(new MeshError("backpressure", "its own publish")),
    ],
    [
      "returns a thenable that throws",
      () =>
        thenable(() => {
          throw new Error("x");
        }),
    ],
    ["rejects long after its time was up", () => new Promise((_, reject) => setTimeout(reject, 40_000))],
    ["never ends", () => new Promise(() => undefined)],
  ])("naks with a delay, never bare, when the handler %s", async (_, onEvent) => {
    expect(await settled(onEvent)).toEqual([RETRY]);
    expect(outcomes).toEqual(["retried"]);
    expect(log.lines.map(({ event }) => event)).toEqual(["delivery failed"]);
    expect(journal.deadLetters).toEqual([]);
  });

  test.each<[what: string, thrown: unknown]>([
    ["a MeshError that time does not cure", new MeshError("invalid-event", "its own publish")],
    ["a mistake in its code", new TypeError("x is not a function")],
    ["that no attempt can help", new NonRetryableError("no such user")],
  ])("stores a dead letter at once, then terminates, when the handler throws %s", async (_, thrown) => {
    const settlements = await settled(() => Promise.reject(thrown));
    expect(settlements).toEqual([{ kind: "term", reason: (thrown as Error).message }]);
    expect(outcomes).toEqual(["deadLettered"]);
    expect(log.lines).toMatchObject([{ level: "error", event: "delivery failed for good" }]);
    expect(journal.deadLetters).toMatchObject([{ category: "permanent", seq: 1, node: "alpha/desk" }]);
  });

  test.each([
    ["the same process", false],
    ["a new process each time", true],
  ])(
    "waits longer at each attempt, and dead-letters after three retries, in %s",
    async (_, isNewEachTime) => {
      const onEvent = (): Promise<never> => Promise.reject(new Error("x"));
      let consumer = new Consumer(settingsOf(), onEvent);
      const settlements: Settlement[] = [];
      for (const deliveryCount of [1, 2, 3, 4]) {
        if (isNewEachTime) consumer = new Consumer(settingsOf(), onEvent);
        const delivery = numbered(1, deliveryCount);
        consumer.take(delivery);
        await vi.advanceTimersByTimeAsync(0);
        settlements.push(...delivery.settlements);
      }
      expect(settlements).toEqual([
        { kind: "nak", delayMs: between(1600, 2400) },
        { kind: "nak", delayMs: between(3200, 4800) },
        { kind: "nak", delayMs: between(6400, 9600) },
        { kind: "term", reason: "x" },
      ]);
      expect(outcomes).toEqual(["retried", "retried", "retried", "deadLettered"]);
      expect(journal.deadLetters).toMatchObject([{ category: "unknown", delivery_count: 4 }]);
    },
  );

  test("does not count a delivery that was handed back as an attempt", async () => {
    const settlements = await settled(() => Promise.reject(new Error("x")), numbered(1, 20));
    expect(settlements).toEqual([RETRY]);
  });

  test("terminates only once the dead letter is stored", async () => {
    let setStored = (): void => undefined;
    const stored = new Promise<void>((resolve) => {
      setStored = resolve;
    });
    journal.storeDeadLetter = () => stored;
    const delivery = numbered(1);
    expect(await settled(() => Promise.reject(new NonRetryableError("x")), delivery)).toEqual([]);
    setStored();
    await vi.advanceTimersByTimeAsync(0);
    expect(delivery.settlements).toEqual([{ kind: "term", reason: "x" }]);
  });

  test("keeps an event whose dead letter cannot be stored", async () => {
    journal.refusal = new MeshError("unavailable", "no hub");
    const settlements = await settled(() => Promise.reject(new NonRetryableError("x")));
    expect(settlements).toEqual([{ kind: "nak", delayMs: 5000 }]);
    expect(outcomes).toEqual(["held"]);
  });

  test("asks the user's rules before its own", async () => {
    const rules: ClassifyRule[] = [(error) => (error instanceof TypeError ? "transient" : undefined)];
    expect(await settled(() => Promise.reject(new TypeError("x")), numbered(1), { rules })).toEqual([RETRY]);
  });

  test("runs the next event while a failed one waits for its turn", async () => {
    const done: unknown[] = [];
    const consumer = new Consumer(settingsOf({ maxConcurrency: 1 }), ({ data }) => {
      if (data === 1) throw new Error("poison");
      done.push(data);
    });
    for (const n of [1, 2, 3]) consumer.take(numbered(n));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual([2, 3]);
  });

  test("runs the handler of an event that was delivered time and again, but not after it has ended three processes", async () => {
    let runs = 0;
    const onEvent = (): Promise<void> => {
      runs++;
      // As far as its process could tell: it ends here.
      return new Promise(() => undefined);
    };
    for (const deliveryCount of [30, 31, 32]) {
      new Consumer(settingsOf(), onEvent).take(numbered(1, deliveryCount));
      await vi.waitFor(() => expect(runs).toBe(deliveryCount - 29));
    }
    const settlements = await settled(onEvent, numbered(1, 33));
    expect(settlements).toEqual([{ kind: "term", reason: expect.stringContaining("3 times") }]);
    expect(runs).toBe(3);
    expect(journal.deadLetters).toMatchObject([{ delivery_count: 33, error: { type: "MeshError" } }]);
  });

  test("gives no handler what an earlier process had given up, and makes its dead letter", async () => {
    const isGone = vi.spyOn(journal, "storeDeadLetter").mockReturnValueOnce(new Promise(() => undefined));
    await settled(() => Promise.reject(new NonRetryableError("x")));
    expect([isGone.mock.calls.length, journal.deadLetters]).toEqual([1, []]);
    let isRun = false;
    const onEvent = (): void => {
      isRun = true;
    };
    expect(await settled(onEvent, numbered(1, 2))).toEqual([{ kind: "term", reason: "x" }]);
    expect(isRun).toBe(false);
    expect(journal.deadLetters).toMatchObject([{ delivery_count: 2, error: { type: "NonRetryableError" } }]);
    expect(outcomes).toEqual(["deadLettered"]);
  });

  test("records a success only after failures", async () => {
    let isDown = true;
    const consumer = new Consumer(settingsOf(), () => {
      if (isDown) throw new Error("x");
    });
    consumer.take(numbered(1));
    await vi.advanceTimersByTimeAsync(0);
    isDown = false;
    const later = numbered(1, 2);
    for (const delivery of [later, numbered(2), numbered(3, 2)]) consumer.take(delivery);
    await vi.advanceTimersByTimeAsync(0);
    expect(later.settlements).toEqual([{ kind: "ack" }]);
    expect(journal.records.map(({ seq, status }) => [seq, status])).toEqual([
      [1, "retrying"],
      [1, "success"],
    ]);
  });

  test("aborts the handler's signal when its time is up, with a timeout as reason, and not before", async () => {
    let signal: AbortSignal | undefined;
    const consumer = new Consumer(settingsOf({ timeoutMs: 100 }), (_, about) => {
      signal = about.signal;
      return new Promise(() => undefined);
    });
    const delivery = numbered(1);
    consumer.take(delivery);
    await vi.advanceTimersByTimeAsync(99);
    expect([signal?.aborted, delivery.settlements]).toEqual([false, []]);
    await vi.advanceTimersByTimeAsync(1);
    expect(signal?.reason).toMatchObject({ name: "MeshError", code: "timeout" });
    expect(delivery.settlements).toEqual([RETRY]);
  });

  test("begins the next delivery when a handler's time is up", async () => {
    const started: unknown[] = [];
    const consumer = new Consumer(settingsOf({ timeoutMs: 100, maxConcurrency: 1 }), ({ data }) => {
      started.push(data);
      return new Promise(() => undefined);
    });
    consumer.take(numbered(1));
    consumer.take(numbered(2));
    await vi.advanceTimersByTimeAsync(150);
    expect(started).toEqual([1, 2]);
  });

  test("leaves no timer behind", async () => {
    await settled(async () => undefined);
    await settled(() => Promise.reject(new Error("x")));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("Consumer, refusing what breaks its contract", () => {
  const never: OnEvent<unknown> = () => {
    throw new Error("was handed over");
  };

  const good = messageOfEnvelope(envelopeOf());
  const strict = contractOf("ui.notify", {
    validateReceived: () => ({
      valid: false,
      violations: [{ pointer: "/text", expected: "must be string" }],
    }),
  });

  test.each([
    ["a body that is no envelope", { ...good, body: new Uint8Array([1, 2]) }, /not a JSON envelope/],
    ["a subject that is none of ours", { ...good, subject: "evt.alpha.kitchen.>" }, /evt\.<subnet>/],
    ["another event than its subject", { ...good, subject: "evt.alpha.kitchen.ui.other.v1" }, /its subject/],
    [
      "another version than its subject",
      { ...good, subject: "evt.alpha.kitchen.ui.notify.v2" },
      /its subject/,
    ],
    [
      "another node than its subject",
      { ...good, subject: "evt.alpha.desk.ui.notify.v1" },
      /not of the node desk/,
    ],
  ])("keeps %s as a dead letter, terminates it and counts it as refused", async (_, message, reason) => {
    // The key of a request is a secret: it is not kept.
    const headers = { traceparent: "00-1-2-01", [REPLY_KEY_HEADER]: "k".repeat(22) };
    const settlements = await settled(never, new TestDelivery({ ...message, headers }));
    expect(settlements).toEqual([{ kind: "term", reason: expect.stringMatching(reason) }]);
    expect(outcomes).toEqual(["refused", "deadLettered"]);
    expect(log.lines).toMatchObject([{ level: "error", event: "delivery failed for good" }]);
    expect(journal.deadLetters).toMatchObject([
      {
        category: "permanent",
        rule: "mesh invalid-event",
        subject: message.subject,
        event_id: message.id,
        message: {
          headers: { traceparent: "00-1-2-01" },
          body_base64: Buffer.from(message.body).toString("base64"),
        },
      },
    ]);
  });

  test("terminates data that breaks its schema and names the place", async () => {
    const settlements = await settled(never, numbered(1), { registry: registryOf(strict) });
    expect(settlements).toEqual([{ kind: "term", reason: expect.stringContaining("/text must be string") }]);
  });

  test("keeps refused content whose dead letter cannot be stored", async () => {
    journal.refusal = new MeshError("unavailable", "no hub");
    const settlements = await settled(never, new TestDelivery({ ...good, body: new Uint8Array([1]) }));
    expect(settlements).toEqual([{ kind: "nak", delayMs: 5000 }]);
    expect(outcomes).toEqual(["refused", "held"]);
  });

  test("parks an unknown event as a dead letter without a record: nothing was tried", async () => {
    const settlements = await settled(never, numbered(1), { registry: registryOf() });
    expect(settlements).toMatchObject([{ kind: "term" }]);
    expect(outcomes).toEqual(["parked"]);
    expect(journal.calls).toEqual(["storeDeadLetter"]);
    expect(journal.deadLetters).toMatchObject([{ rule: "unknown-event", category: "transient" }]);
    expect(log.lines).toMatchObject([{ level: "warn", event: "unknown event parked" }]);
  });

  test("has unknown events parked many at a time, and what is behind them handled meanwhile", async () => {
    const asked: (readonly number[])[] = [];
    const answers: (() => void)[] = [];
    const park = (_: string, seqs: readonly number[]): Promise<ReadonlySet<number>> => {
      asked.push(seqs);
      return new Promise((resolve) => answers.push(() => resolve(new Set([2]))));
    };
    journal.parking = parkingBy(park);
    const settings = settingsOf({ maxConcurrency: 1 });
    const isUnknown = settings.registry;
    const registry = {
      resolve: (name: string, version?: number) =>
        name === "ui.notify" ? isUnknown.resolve(name, version) : registryOf().resolve(name, version),
      onChange: isUnknown.onChange,
    };
    const handled = vi.fn();
    const consumer = new Consumer({ ...settings, registry }, handled);
    const strangers = Array.from({ length: 300 }, (_, n) => {
      const envelope = envelopeOf({ event_name: "ui.strange", data: n });
      return new TestDelivery(messageOfEnvelope(envelope), n + 1);
    });
    for (const stranger of strangers) consumer.take(stranger);
    const known = numbered(301);
    consumer.take(known);
    await vi.advanceTimersByTimeAsync(1);
    expect(known.settlements).toEqual([{ kind: "ack" }]);
    expect(asked.map((seqs) => seqs.length)).toEqual([256]);
    expect(strangers[0]?.settlements).toEqual([]);
    answers[0]?.();
    await vi.advanceTimersByTimeAsync(1);
    expect(asked.map((seqs) => seqs.length)).toEqual([256, 44]);
    expect(strangers[1]?.settlements).toMatchObject([{ kind: "term", reason: "no room to park it" }]);
    consumer.handBack();
    answers[1]?.();
    await vi.advanceTimersByTimeAsync(1);
    expect(strangers.every(({ settlements }) => settlements.length === 1)).toBe(true);
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "parked")).toHaveLength(299);
    expect(journal.calls).toEqual([]);
  });

  test("tells when the schema came while an event was parked, and not otherwise", async () => {
    let known = registryOf();
    const registry = {
      ...known,
      resolve: (name: string, version?: number) => known.resolve(name, version),
    };
    const onParked = vi.fn();
    const park = async (): Promise<ReadonlySet<number>> => new Set();
    journal.parking = parkingBy(park);
    const changes = { registry, onParked };
    await settled(never, numbered(1), changes);
    expect(onParked).not.toHaveBeenCalled();
    const late = async (): Promise<ReadonlySet<number>> => {
      known = registryOf(contractOf("ui.notify"));
      return new Set();
    };
    journal.parking = parkingBy(late);
    await settled(never, numbered(2), changes);
    expect(onParked).toHaveBeenCalledTimes(1);
  });

  test("puts an unknown event off while its dead letter cannot be stored", async () => {
    journal.refusal = new MeshError("unavailable", "the hub is away");
    expect(await settled(never, numbered(1), { registry: registryOf() })).toMatchObject([{ kind: "nak" }]);
    expect(outcomes).toEqual(["held"]);
  });

  test("terminates when the registry itself breaks over it", async () => {
    const registry = {
      ...registryOf(),
      resolve: () => {
        throw new TypeError("broken");
      },
    };
    expect(await settled(never, numbered(1), { registry })).toMatchObject([{ kind: "term" }]);
    expect(journal.deadLetters).toHaveLength(1);
  });
});

describe("Consumer.handBack()", () => {
  test("hands back what has not begun and lets finish what runs", async () => {
    const consumer = new Consumer(settingsOf({ maxConcurrency: 1 }), () => {
      return new Promise((resolve) => setTimeout(resolve, 50));
    });
    const [running, waiting, late] = [numbered(1), numbered(2), numbered(3)];
    consumer.take(running);
    consumer.take(waiting);
    consumer.handBack();
    consumer.take(late);
    expect(running.settlements).toEqual([]);
    expect(waiting.settlements).toEqual([{ kind: "nak", delayMs: 200 }]);
    expect(late.settlements).toEqual([{ kind: "nak", delayMs: 200 }]);
    await vi.advanceTimersByTimeAsync(50);
    expect(running.settlements).toEqual([{ kind: "ack" }]);
  });

  test("does nothing at a second call", () => {
    const consumer = new Consumer(settingsOf({ maxConcurrency: 1 }), () => new Promise(() => undefined));
    const waiting = numbered(2);
    consumer.take(numbered(1));
    consumer.take(waiting);
    consumer.handBack();
    consumer.handBack();
    expect(waiting.settlements).toHaveLength(1);
  });
});

describe("Consumer, whatever handlers do", () => {
  /** The behaviour of one handler, and the time after which it ends. */
  const behaviour = fc.record({
    ms: fc.constantFrom(0, 1, 50, 99, 100, 101, 500),
    ends: fc.constantFrom("returns", "throws", "blunders", "resolves", "rejects", "hangs"),
    content: fc.constantFrom("good", "good", "good", "broken", "unknown", "foreign"),
  });
  const plan = fc.record({
    maxConcurrency: fc.integer({ min: 1, max: 4 }),
    behaviours: fc.array(behaviour, { minLength: 1, maxLength: 15 }),
    gapMs: fc.constantFrom(0, 1, 60),
    isJournalDown: fc.boolean(),
    handBackAfterMs: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
  });

  function deliveryOf(content: string, n: number): TestDelivery {
    const message = messageOfEnvelope(envelopeOf({ data: n }));
    if (content === "broken") return new TestDelivery({ ...message, body: new Uint8Array([n]) }, n);
    if (content === "foreign") return new TestDelivery({ ...message, subject: "evt.a.b.ui.notify.v1" }, n);
    if (content === "good") return new TestDelivery(message, n);
    return new TestDelivery(messageOfEnvelope(envelopeOf({ event_name: "ui.unknown" })), n);
  }

  test("settles every delivery exactly once, starts in order and holds the limit", async () => {
    await fc.assert(
      fc.asyncProperty(
        plan,
        async ({ maxConcurrency, behaviours, gapMs, isJournalDown, handBackAfterMs }) => {
          journal = new RecordingJournal();
          if (isJournalDown) journal.refusal = new Error("journal");
          const started: number[] = [];
          let most = 0;
          const deliveries = behaviours.map(({ content }, n) => deliveryOf(content, n));
          const isOpen = (n: number): boolean => deliveries[n]?.settlements.length === 0;
          const consumer = new Consumer(settingsOf({ maxConcurrency, timeoutMs: 100 }), ({ data }) => {
            const n = Number(data);
            started.push(n);
            most = Math.max(most, started.filter(isOpen).length);
            const { ms, ends } = behaviours[n] ?? { ms: 0, ends: "hangs" };
            if (ends === "returns") return n;
            if (ends === "throws") throw new Error("x");
            if (ends === "blunders") throw new TypeError("x");
            return new Promise((resolve, reject) => {
              if (ends !== "hangs") setTimeout(ends === "resolves" ? resolve : reject, ms);
            });
          });
          if (handBackAfterMs !== undefined) setTimeout(() => consumer.handBack(), handBackAfterMs);
          for (const delivery of deliveries) {
            consumer.take(delivery);
            await vi.advanceTimersByTimeAsync(gapMs);
          }
          await vi.advanceTimersByTimeAsync(5000);
          expect(deliveries.map(({ settlements }) => settlements.length)).toEqual(deliveries.map(() => 1));
          const bare = deliveries
            .flatMap(({ settlements }) => settlements)
            .filter((s) => s.kind === "nak" && !(s.delayMs > 0));
          expect(bare).toEqual([]);
          const ended = deliveries.filter(({ settlements }) => settlements[0]?.kind === "term");
          expect(journal.deadLetters.map(({ seq }) => seq).sort()).toEqual(
            ended.map(({ seq }) => seq).sort(),
          );
          expect(started).toEqual([...started].sort((a, b) => a - b));
          expect(most).toBeLessThanOrEqual(maxConcurrency);
        },
      ),
    );
  });
});

describe("Consumer, with classified data", () => {
  const registry = registryOf(contractOf("ui.notify", { classified: maskAll("secret") }));

  function holding(data: unknown): TestDelivery {
    return new TestDelivery(messageOfEnvelope(envelopeOf({ data: data as never })), 1, 1);
  }

  test("keeps no value of it that a failing handler tells, in log, record, dead letter or settlement", async () => {
    const fails =
      (error: Error): OnEvent<unknown> =>
      () => {
        throw error;
      };
    const cause = new Error("canary-1");
    const thrown = [
      new NonRetryableError("not canary-1", { cause }),
      Object.assign(new Error("canary-1"), { request: { data: "canary-1" } }),
    ];
    for (const error of thrown) {
      const settlements = await settled(fails(error), holding({ key: "canary-1" }), { registry });
      expect(JSON.stringify(settlements)).not.toContain("canary");
    }
    const [letter] = journal.deadLetters;
    expect(letter?.error).toMatchObject({ type: "NonRetryableError", message: "not [secret]" });
    const { message: _, ...kept } = letter ?? { message: undefined };
    const told = log.lines.map(({ fields, event }) => {
      const { err } = fields as { err?: Error };
      return [event, err?.message, err?.stack, err?.cause, JSON.stringify(err)];
    });
    expect(told.length).toBeGreaterThan(1);
    expect(JSON.stringify([kept, journal.records, told])).not.toContain("canary");
    expect(journal.records.at(-1)?.error_info?.message).toBe("[secret]");
  });

  test("tells the handler how the event is classified", async () => {
    const seen: unknown[] = [];
    const handle: OnEvent<unknown> = (_, { classes }) => void seen.push(classes);
    await settled(handle, holding({ key: "canary-1" }), { registry });
    await settled(handle, holding({ key: "plain" }), { registry: registryOf(contractOf("ui.notify")) });
    expect(seen).toEqual([["secret"], []]);
  });

  test("still judges a failure by what was thrown, not by what is told of it", async () => {
    const refused = Object.assign(new Error("canary-1"), { code: "ECONNREFUSED" });
    const settlements = await settled(
      () => {
        throw refused;
      },
      holding("canary-1"),
      { registry },
    );
    expect(settlements).toEqual([RETRY]);
  });

  test("names no key of data that cannot be read, and no number", async () => {
    const text = JSON.stringify(envelopeOf({ data: "HERE" as never })).replace(
      '"HERE"',
      '{"canary":9007199254740999}',
    );
    const message = { ...messageOfEnvelope(envelopeOf()), body: new TextEncoder().encode(text) };
    await settled(() => undefined, new TestDelivery(message, 1, 1), { registry });
    const { message: _, ...kept } = journal.deadLetters[0] ?? { message: undefined };
    expect(kept).toMatchObject({
      error: { message: expect.stringContaining("field /data is a number beyond") },
    });
    expect(JSON.stringify(kept)).not.toMatch(/canary|9007199/);
  });
});
