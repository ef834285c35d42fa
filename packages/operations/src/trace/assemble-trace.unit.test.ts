import { describe, expect, test } from "vitest";
import { throughProtobuf } from "../../../../test/kit/otlp-collector.ts";
import type { EventConsumer } from "../standing/event-consumer.ts";
import { assembleTrace } from "./assemble-trace.ts";
import type { Sighting } from "./trace.ts";
import { traceAsOtlp } from "./trace-as-otlp.ts";

const FIRST = "EVT-20260105-093000-000000000001";
const SECOND = "EVT-20260105-093000-000000000002";

function sighting(id: string, of: string, seq: number, ms: number, more: Partial<Sighting> = {}): Sighting {
  return {
    of,
    stream: of === "root" ? "MESH" : `EVENTS_${of}`,
    seq,
    subject: "evt.alpha.kitchen.ui.notify.v1",
    storedAt: new Date(Date.UTC(2026, 0, 5, 9, 30, 0, ms)).toISOString(),
    envelope: {
      event_id: id,
      event_name: "ui.notify",
      version: 1,
      kind: "event",
      ts: "2026-01-05T09:30:00.000Z",
      source: "app@kitchen",
      correlation_id: FIRST,
      tenant: "default",
      headers: {},
      ...more.envelope,
    },
    ...(more.failures === undefined ? {} : { failures: more.failures }),
  };
}

function consumer(name: string, of: string, more: Partial<EventConsumer> = {}): EventConsumer {
  return {
    of,
    kind: name.includes("/") ? "durable" : "link",
    name,
    filters: ["evt.>"],
    givenSeq: 100,
    settledSeq: 100,
    unsettled: 0,
    retryingSeqs: [],
    pending: 0,
    waiting: 1,
    paused: false,
    begins: { kind: "all" },
    pattern: "ui.notify",
    ...more,
  };
}

const trace = (
  sightings: readonly Sighting[],
  consumers: readonly EventConsumer[] = [],
): ReturnType<typeof assembleTrace> => assembleTrace({ correlationId: FIRST, sightings, consumers });

test("an event of a timer names it, with the time at which it was due; headers alone do not", () => {
  const headers = { timer: "morning", scheduled_at: "2026-01-05T09:30:00.000Z", timer_fire: "on-time" };
  const envelope = sighting(FIRST, "alpha", 1, 2).envelope;
  const of = (source: string) =>
    trace([sighting(FIRST, "alpha", 1, 2, { envelope: { ...envelope, source, headers } })]).roots[0]?.timer;
  expect(of("timer@kitchen")).toEqual({
    name: "morning",
    scheduled_at: headers.scheduled_at,
    fire: "on-time",
  });
  expect(of("app@kitchen")).toBeUndefined();
});

const failed = (
  status: "retrying" | "failed" | "dead_letter" | "success",
): NonNullable<Sighting["failures"]> => ({
  parked: [],
  letters: [],
  records: [
    {
      event_id: FIRST,
      timestamp: "2026-01-05T09:30:01.000Z",
      event_type: "ui.notify",
      source: "app@kitchen",
      node: "beta/desk",
      durable: "screen",
      stream: "EVENTS_beta",
      seq: 9,
      status,
      error_info: { category: "transient", message: "busy", type: "Error", stacktrace: "", context: {} },
      retry_info: { count: 2, max_retries: 3, next_retry_at: "2026-01-05T09:30:09.000Z" },
      recovery_actions: [],
    },
  ],
});

describe("assembleTrace()", () => {
  test("an event at each stream in order, with the time since it was published", () => {
    const [event] = trace([
      sighting(FIRST, "beta", 9, 30),
      sighting(FIRST, "alpha", 5, 2),
      sighting(FIRST, "root", 7, 12),
    ]).roots;
    expect(event?.hops.map(({ of, after_ms }) => [of, after_ms])).toEqual([
      ["alpha", 2],
      ["root", 12],
      ["beta", 30],
    ]);
    expect(event?.from).toBe("alpha/kitchen");
  });

  test("what an event has caused hangs below it; a lost cause begins a tree", () => {
    const child = sighting(SECOND, "beta", 10, 40, {
      envelope: { ...sighting(SECOND, "beta", 10, 40).envelope, causation_id: FIRST },
    });
    const whole = trace([sighting(FIRST, "alpha", 5, 2), child]);
    expect(whole).toMatchObject({ events: 2, roots: [{ event_id: FIRST, caused: [{ event_id: SECOND }] }] });
    expect(trace([child]).roots).toMatchObject([{ event_id: SECOND, caused: [] }]);
  });

  test("two that name each other as cause are told once each", () => {
    const of = (id: string, cause: string): Sighting =>
      sighting(id, "alpha", 1, 1, {
        envelope: { ...sighting(id, "alpha", 1, 1).envelope, causation_id: cause },
      });
    const found = trace([of(FIRST, SECOND), of(SECOND, FIRST)]);
    expect(found.events).toBe(2);
    expect(found.roots).toMatchObject([{ event_id: FIRST, caused: [{ event_id: SECOND, caused: [] }] }]);
  });

  test.each([
    ["waiting", { givenSeq: 8 }, undefined],
    ["given", { settledSeq: 8, unsettled: 1 }, undefined],
    ["handled", {}, undefined],
    ["retrying", { settledSeq: 8, unsettled: 1 }, failed("retrying")],
    ["handled", {}, failed("success")],
    ["failed", {}, failed("failed")],
    ["dead_letter", {}, failed("dead_letter")],
    ["parked", {}, { records: [], letters: [], parked: ["beta/desk/screen"] }],
  ] as const)("a durable is %s", (state, standing, failures) => {
    const place = sighting(FIRST, "beta", 9, 30, failures === undefined ? {} : { failures });
    const [event] = trace([place], [consumer("beta/desk/screen", "beta", standing)]).roots;
    expect(event?.handlings).toMatchObject([{ durable: "beta/desk/screen", state }]);
  });

  test("a retry tells its attempts, its error and when the next is due", () => {
    const place = sighting(FIRST, "beta", 9, 30, { failures: failed("retrying") });
    const [event] = trace(
      [place],
      [consumer("beta/desk/screen", "beta", { settledSeq: 8, unsettled: 1 })],
    ).roots;
    expect(event?.handlings[0]).toMatchObject({
      failures: 3,
      error: { category: "transient", message: "busy" },
      next_retry_at: "2026-01-05T09:30:09.000Z",
    });
  });

  test("a link that has not carried it is on its way, one that has or that does not take it is not", () => {
    const up = consumer("up alpha", "alpha", { givenSeq: 4, pending: 3 });
    const alpha = sighting(FIRST, "alpha", 5, 2);
    expect(trace([alpha], [up]).roots[0]?.on_its_way).toEqual([{ link: "up alpha", waiting: 3 }]);
    expect(trace([alpha, sighting(FIRST, "root", 7, 9)], [up]).roots[0]?.on_its_way).toEqual([]);
    expect(trace([alpha], [{ ...up, filters: ["evt.*.*.nlp.>"] }]).roots[0]?.on_its_way).toEqual([]);
    const down = consumer("down beta", "root", { givenSeq: 6, pending: 1 });
    expect(trace([sighting(FIRST, "root", 7, 9)], [down]).roots[0]?.on_its_way).toEqual([
      { link: "down beta", waiting: 1 },
    ]);
  });
});

describe("traceAsOtlp()", () => {
  const child = sighting(SECOND, "beta", 10, 40, {
    envelope: {
      ...sighting(SECOND, "beta", 10, 40).envelope,
      causation_id: FIRST,
      ts: "2026-01-05T09:30:00.035Z",
    },
  });
  const document = traceAsOtlp(
    trace(
      [sighting(FIRST, "alpha", 5, 2), sighting(FIRST, "root", 7, 9), sighting(FIRST, "beta", 9, 30), child],
      [consumer("beta/desk/screen", "beta")],
    ),
  );
  const spans = document.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans),
  );

  test("is one trace, whose spans have distinct ids and parents among them", () => {
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(spans[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
    const ids = new Set(spans.map(({ spanId }) => spanId));
    expect(ids.size).toBe(spans.length);
    const parents = spans.map(({ parentSpanId }) => parentSpanId).filter((id) => id !== undefined);
    expect(parents.filter((id) => !ids.has(id))).toEqual([]);
    expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
  });

  test("has a span for each publish, link and handling, by who did it", () => {
    const names = document.resourceSpans.map(({ resource, scopeSpans }) => [
      resource.attributes[0]?.value.stringValue,
      scopeSpans[0]?.spans.map(({ name }) => name),
    ]);
    expect(Object.fromEntries(names)).toEqual({
      "alpha/kitchen": ["publish ui.notify", "publish ui.notify"],
      root: ["link up ui.notify", "link down ui.notify"],
      "beta/desk": ["process ui.notify", "process ui.notify"],
    });
  });

  test("is what the protocol says, and nothing that it does not know", () => {
    const withoutZeros = JSON.parse(
      JSON.stringify(document, (key, value: unknown) => (key === "code" && value === 0 ? undefined : value)),
    ) as unknown;
    expect(throughProtobuf(document)).toEqual(withoutZeros);
  });

  test("has the spans of links and handlers below what brought the event there", () => {
    const named = (name: string): (typeof spans)[number] | undefined =>
      spans.find((span) => span.name === name);
    const [publish, up, down] = ["publish", "link up", "link down"].map((of) => named(`${of} ui.notify`));
    expect(up?.parentSpanId).toBe(publish?.spanId);
    expect(down?.parentSpanId).toBe(up?.spanId);
    expect(named("process ui.notify")?.parentSpanId).toBe(down?.spanId);
  });

  test("no span ends before it begins", () => {
    for (const { startTimeUnixNano: start, endTimeUnixNano: end } of spans) {
      expect(start).toMatch(/^\d{19}$/);
      expect(BigInt(end)).toBeGreaterThanOrEqual(BigInt(start));
    }
  });
});

describe("assembleTrace(), of a chain without an end", () => {
  const id = (i: number): string => `EVT-20260105-093000-${String(i).padStart(12, "0")}`;
  const chain = Array.from({ length: 6000 }, (_, i) => {
    const { envelope, ...place } = sighting(id(i), "alpha", i + 1, i % 1000);
    return { ...place, envelope: { ...envelope, ...(i === 0 ? {} : { causation_id: id(i - 1) }) } };
  });

  test("begins a tree anew each hundred events, and has them all", () => {
    const { events, roots } = trace(chain);
    expect([events, roots.length]).toEqual([6000, 60]);
    const text = JSON.stringify(roots);
    for (const i of [0, 99, 100, 5999]) expect(text).toContain(id(i));
  });

  test("is one OTLP document", () => {
    const { resourceSpans } = traceAsOtlp(trace(chain));
    expect(resourceSpans[0]?.scopeSpans[0]?.spans.length).toBe(6000);
  });
});
