import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type SpanStatus,
  trace,
} from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { envelopeOf, maskAll, messageOfEnvelope } from "../../../../test/kit/stand-ins.ts";
import { MeshError } from "../language/errors.ts";
import type { PreparedEvent } from "../publish/publish.ts";
import { inProcessSpan, linkSpan, publishSpan } from "./tracing.ts";

/** A span as far as these tests look at it. */
interface Recorded {
  readonly name: string;
  readonly options: SpanOptions;
  readonly parent: string | undefined;
  readonly id: string;
  status: SpanStatus | undefined;
  readonly attributes: Record<string, unknown>;
  ended: number;
}

const spans: Recorded[] = [];

/** The least that the API asks of an SDK: spans with ids, the context kept across awaits, W3C-like headers. */
function startSpan(name: string, options: SpanOptions = {}, within: Context = context.active()): Span {
  const id = String(spans.length + 1).padStart(16, "0");
  const parent = trace.getSpanContext(within)?.spanId;
  const spanContext: SpanContext = { traceId: "1".repeat(32), spanId: id, traceFlags: 1 };
  const record: Recorded = { name, options, parent, id, status: undefined, attributes: {}, ended: 0 };
  spans.push(record);
  const span: Partial<Span> = {
    spanContext: () => spanContext,
    setStatus: (status) => {
      record.status = status;
      return span as Span;
    },
    setAttribute: (key, value) => {
      record.attributes[key] = value;
      return span as Span;
    },
    end: () => {
      record.ended++;
    },
  };
  return span as Span;
}

const held = new AsyncLocalStorage<Context>();
const contextManager: ContextManager = {
  active: () => held.getStore() ?? ROOT_CONTEXT,
  with: (active, run, self, ...args) => held.run(active, () => run.apply(self, args)),
  bind: (_context, target) => target,
  enable: () => contextManager,
  disable: () => contextManager,
};

beforeAll(() => {
  context.setGlobalContextManager(contextManager);
  propagation.setGlobalPropagator({
    inject: (active, carrier, setter) =>
      setter.set(carrier, "traceparent", trace.getSpanContext(active)?.spanId ?? ""),
    extract: (active, carrier, getter) => {
      const parent = getter.get(carrier, "traceparent");
      if (typeof parent !== "string") return active;
      return trace.setSpanContext(active, { traceId: "1".repeat(32), spanId: parent, traceFlags: 1 });
    },
    fields: () => ["traceparent"],
  });
  trace.setGlobalTracerProvider({
    getTracer: () => ({
      startSpan,
      startActiveSpan: () => {
        throw new Error("not used");
      },
    }),
  });
});

afterAll(() => {
  trace.disable();
  propagation.disable();
  context.disable();
});

beforeEach(() => {
  spans.length = 0;
});

/** An event as it is about to be sent, or was received with these headers. */
function event(headers: Readonly<Record<string, string>> = {}): PreparedEvent {
  const envelope = envelopeOf();
  return { envelope, message: { ...messageOfEnvelope(envelope), headers } };
}
const SENDER = "00000000000000aa";

describe("publishSpan()", () => {
  test("sends its own id as the parent of what comes after, and tells the event", () => {
    const { headers, end } = publishSpan(event());
    end();
    expect(headers).toEqual({ traceparent: spans[0]?.id });
    expect(spans[0]).toMatchObject({ name: "publish ui.notify", ended: 1, status: undefined });
    expect(spans[0]?.options.attributes).toMatchObject({
      "messaging.message.id": "EVT-20250923-162000-0123456789ab",
      "messaging.message.conversation_id": "c-1",
      "messaging.destination.name": "evt.alpha.kitchen.ui.notify.v1",
    });
  });

  test("tells the code of a failure", () => {
    publishSpan(event()).end(new MeshError("timeout", "no answer"));
    expect(spans[0]).toMatchObject({
      status: { message: "no answer" },
      attributes: { "error.type": "timeout" },
      ended: 1,
    });
  });
});

describe("linkSpan()", () => {
  test("passes on what else the message carries, as a publish does", () => {
    const carried = { "Adaos-Signature": "k1 a b c" };
    const { headers } = linkSpan(event({ traceparent: SENDER, ...carried }), "up", "alpha");
    expect(headers).toEqual({ ...carried, traceparent: spans[0]?.id });
    expect(publishSpan(event(carried)).headers).toEqual({ ...carried, traceparent: spans[1]?.id });
  });

  test("is a child of the sender and the parent of what it sends on", () => {
    const { headers } = linkSpan(event({ traceparent: SENDER }), "up", "alpha");
    expect(spans[0]).toMatchObject({ name: "link up ui.notify", parent: SENDER });
    expect(headers).toEqual({ traceparent: spans[0]?.id });
  });

  test.each([
    ["up", SpanKind.CONSUMER, "process"],
    ["down", SpanKind.PRODUCER, "send"],
  ] as const)("is of the kind that pairs with its neighbour, %s", (direction, kind, type) => {
    linkSpan(event(), direction, "alpha");
    expect(spans[0]?.options).toMatchObject({
      kind,
      attributes: { "messaging.operation.type": type, "adaos.subnet": "alpha" },
    });
  });
});

describe("linkSpan() of a region's link", () => {
  test("goes on with the sender's trace, and names the region", () => {
    const { headers } = linkSpan(event({ traceparent: SENDER }), "region", "west");
    expect(spans[0]).toMatchObject({ name: "link region ui.notify", parent: SENDER });
    expect(spans[0]?.options.attributes).toMatchObject({ "adaos.region": "west" });
    expect(spans[0]?.options.attributes).not.toHaveProperty("adaos.subnet");
    expect(headers).toEqual({ traceparent: spans[0]?.id });
  });
});

describe("inProcessSpan()", () => {
  test("makes what the handler publishes a child, also after an await", async () => {
    await inProcessSpan(event({ traceparent: SENDER }), "d", async () => {
      await Promise.resolve();
      publishSpan(event()).end();
    });
    expect(spans.map(({ name, parent }) => [name, parent])).toEqual([
      ["process ui.notify", SENDER],
      ["publish ui.notify", spans[0]?.id],
    ]);
    expect(spans.map(({ ended }) => ended)).toEqual([1, 1]);
  });

  test.each([
    ["an error", new TypeError("x"), "TypeError"],
    ["a text", "x", "string"],
    ["a thing that no text can be made of", Object.create(null), "object"],
  ])("ends and is marked when the handler throws %s", async (_, thrown, type) => {
    await expect(inProcessSpan(event(), "d", () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(spans[0]).toMatchObject({ ended: 1, attributes: { "error.type": type } });
  });

  test("holds no classified value of the event", async () => {
    const classified = maskAll("pii");
    const { envelope, message } = event();
    const holding = { envelope: { ...envelope, data: "canary" }, message, classified };
    const thrown = new Error("no canary here");
    await expect(inProcessSpan(holding, "d", () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(JSON.stringify(spans)).not.toContain("canary");
  });
});
