import { createHash } from "node:crypto";
import type { Handling, Hop, Trace, TracedEvent } from "./trace.ts";

/*
 * OTLP as JSON (opentelemetry-proto, `TracesData`): ids are hex, times are nanoseconds as text. Ids are made of those
 * of the events, so that the same trace is the same document at each look.
 */

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** A span and whose it is. */
interface OwnedSpan {
  readonly service: string;
  readonly span: OtlpSpan;
}

/** One OTLP JSON document. */
export interface OtlpDocument {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

const KIND = { internal: 1, producer: 4, consumer: 5 } as const;
const STATUS = { unset: 0, error: 2 } as const;
const MAX_MESSAGE = 500;

/** The trace as one OTLP document: a span for each publish, each hop of a link and each handling. Pure. */
export function traceAsOtlp(trace: Trace): OtlpDocument {
  const traceId = hex(trace.correlation_id, 32);
  const owned = trace.roots.flatMap((root) => spansOf(root, traceId, undefined));
  const services = new Map<string, OtlpSpan[]>();
  for (const { service, span } of owned) services.set(service, [...(services.get(service) ?? []), span]);
  return {
    resourceSpans: [...services].map(([service, spans]) => ({
      resource: { attributes: [text("service.name", service)] },
      scopeSpans: [{ scope: { name: "adaos trace" }, spans }],
    })),
  };
}

function spansOf(event: TracedEvent, traceId: string, parentSpanId: string | undefined): OwnedSpan[] {
  const { event_id: id, event_name: name, published_at: publishedAt, hops, handlings, caused } = event;
  const publishId = hex(`publish ${id}`, 16);
  const base = { traceId, attributes: attributesOf(event) };
  const [first] = hops;
  const publish: OtlpSpan = {
    ...base,
    spanId: publishId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name: `publish ${name}`,
    kind: KIND.producer,
    ...between(publishedAt, first?.stored_at ?? publishedAt),
    status: { code: STATUS.unset },
  };
  const links = hops.slice(1).map((hop, i): OwnedSpan => {
    const from = hops[i]?.stored_at ?? publishedAt;
    return { service: "root", span: { ...base, ...linkSpan(hop, id, publishId, name, from) } };
  });
  const handled = handlings.map((handling): OwnedSpan => {
    const node = handling.durable.split("/").slice(0, 2).join("/");
    const hop = hops.find(({ of }) => handling.durable.startsWith(`${of}/`));
    const end = endOf(handling, node, caused);
    const span = handlingSpan(handling, id, publishId, name, hop?.stored_at ?? publishedAt, end);
    const attributes = [
      ...base.attributes,
      text("adaos.durable", handling.durable),
      text("adaos.state", handling.state),
    ];
    return { service: node, span: { ...base, ...span, attributes } };
  });
  const below = caused.flatMap((child) => spansOf(child, traceId, parentOf(child, event, publishId)));
  return [{ service: event.from, span: publish }, ...links, ...handled, ...below];
}

/** The handling that has published it, where it is known which that was. */
function parentOf(child: TracedEvent, event: TracedEvent, publishId: string): string {
  const own = event.handlings.filter(({ durable }) => durable.startsWith(`${child.from}/`));
  const [handling] = own;
  return handling !== undefined && own.length === 1 ? handlingId(event.event_id, handling) : publishId;
}

function linkSpan(
  { of, seq, stored_at }: Hop,
  id: string,
  parentSpanId: string,
  name: string,
  from: string,
): Omit<OtlpSpan, "traceId" | "attributes"> {
  return {
    spanId: hex(`link ${id} ${of} ${seq}`, 16),
    parentSpanId,
    name: `${of === "root" ? "link up" : `link down ${of}`} ${name}`,
    kind: KIND.internal,
    ...between(from, stored_at),
    status: { code: STATUS.unset },
  };
}

function handlingSpan(
  handling: Handling,
  id: string,
  parentSpanId: string,
  name: string,
  from: string,
  to: string,
): Omit<OtlpSpan, "traceId" | "attributes"> {
  const { error } = handling;
  return {
    spanId: handlingId(id, handling),
    parentSpanId,
    name: `process ${name}`,
    kind: KIND.consumer,
    ...between(from, to),
    status:
      error === undefined
        ? { code: STATUS.unset }
        : { code: STATUS.error, message: error.message.slice(0, MAX_MESSAGE) },
  };
}

/** When a handling that nobody recorded has ended is known from below: not before it published anything. */
function endOf({ at }: Handling, node: string, caused: readonly TracedEvent[]): string {
  const published = caused.filter(({ from }) => from === node).map(({ published_at }) => published_at);
  return at ?? published.sort().at(-1) ?? "";
}

function handlingId(id: string, { durable }: Handling): string {
  return hex(`process ${id} ${durable}`, 16);
}

function attributesOf({ event_id, event_name, source }: TracedEvent): Attribute[] {
  return [
    text("messaging.system.name", "nats"),
    text("messaging.message.id", event_id),
    text("messaging.destination.template", event_name),
    text("adaos.source", source),
  ];
}

/** Clocks of two machines may disagree, and a time may not be known or none: no span ends before it begins. */
function between(from: string, to: string): Pick<OtlpSpan, "startTimeUnixNano" | "endTimeUnixNano"> {
  const endMs = Date.parse(to) || 0;
  const startMs = Date.parse(from) || endMs;
  return { startTimeUnixNano: nanos(startMs), endTimeUnixNano: nanos(Math.max(startMs, endMs)) };
}

function nanos(ms: number): string {
  return `${BigInt(ms) * 1_000_000n}`;
}

function text(key: string, value: string): Attribute {
  return { key, value: { stringValue: value } };
}

function hex(of: string, digits: number): string {
  return createHash("sha256").update(of).digest("hex").slice(0, digits);
}
