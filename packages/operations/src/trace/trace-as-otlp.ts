import { createHash } from "node:crypto";
import { ROOT_DOMAIN } from "@adaos/core/wire";
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

const STATUS = { unset: 0, error: 2 } as const;
const MAX_MESSAGE = 500;

/** Names and types of spans by the semantic conventions 1.45; the numbers are SpanKind's. */
const OPERATIONS = {
  publish: { name: "publish", type: "send", kind: 4 },
  up: { name: "link up", type: "process", kind: 5 },
  down: { name: "link down", type: "send", kind: 4 },
  process: { name: "process", type: "process", kind: 5 },
} as const;

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
  const { event_id: id, published_at: publishedAt, hops, handlings, caused } = event;
  const publishId = hex(`publish ${id}`, 16);
  const [first] = hops;
  const publish = {
    ...newSpan(event, traceId, "publish"),
    spanId: publishId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...between(publishedAt, first?.stored_at ?? publishedAt),
  };
  const links = hops.slice(1).map((hop, i): OwnedSpan => {
    const from = hops[i]?.stored_at ?? publishedAt;
    const isUp = hop.of === ROOT_DOMAIN;
    const span = newSpan(event, traceId, isUp ? "up" : "down", isUp ? [] : [text("adaos.subnet", hop.of)]);
    const parent = isUp ? publishId : carriedBy(event, ROOT_DOMAIN);
    const place = { spanId: hopId(id, hop), parentSpanId: parent, ...between(from, hop.stored_at) };
    return { service: ROOT_DOMAIN, span: { ...span, ...place } };
  });
  const handled = handlings.map((handling) => handlingSpan(event, handling, traceId));
  const below = caused.flatMap((child) => spansOf(child, traceId, parentOf(child, event, publishId)));
  return [{ service: event.from, span: publish }, ...links, ...handled, ...below];
}

/** The span that has brought an event to a server: of its link, or of the publish where no link is known. */
function carriedBy({ event_id: id, hops }: TracedEvent, of: string): string {
  const hop = hops.slice(1).find((one) => one.of === of);
  return hop === undefined ? hex(`publish ${id}`, 16) : hopId(id, hop);
}

function hopId(id: string, { of, seq }: Hop): string {
  return hex(`link ${id} ${of} ${seq}`, 16);
}

/** The handling that has published it, where it is known which that was. */
function parentOf(child: TracedEvent, event: TracedEvent, publishId: string): string {
  const own = event.handlings.filter(({ durable }) => durable.startsWith(`${child.from}/`));
  const [handling] = own;
  return handling !== undefined && own.length === 1 ? handlingId(event.event_id, handling) : publishId;
}

function handlingSpan(event: TracedEvent, handling: Handling, traceId: string): OwnedSpan {
  const { durable, error } = handling;
  const [subnet = "", node = "", group = ""] = durable.split("/");
  const service = `${subnet}/${node}`;
  const hop = event.hops.find(({ of }) => of === subnet);
  const end = endOf(handling, service, event.caused);
  const attributes = [
    text("messaging.consumer.group.name", group),
    text("adaos.state", handling.state),
    ...(error === undefined ? [] : [text("error.type", error.category)]),
  ];
  const span = {
    ...newSpan(event, traceId, "process", attributes),
    spanId: handlingId(event.event_id, handling),
    parentSpanId: carriedBy(event, subnet),
    ...between(hop?.stored_at ?? event.published_at, end),
  };
  const failed = error && { code: STATUS.error, message: error.message.slice(0, MAX_MESSAGE) };
  return { service, span: failed === undefined ? span : { ...span, status: failed } };
}

/** A span without its place in the trace. */
function newSpan(
  event: TracedEvent,
  traceId: string,
  of: keyof typeof OPERATIONS,
  more: readonly Attribute[] = [],
): Omit<OtlpSpan, "spanId" | "startTimeUnixNano" | "endTimeUnixNano"> {
  const { name, type, kind } = OPERATIONS[of];
  const operation = [text("messaging.operation.name", name), text("messaging.operation.type", type)];
  const attributes = [...attributesOf(event), ...operation, ...more];
  return { traceId, name: `${name} ${event.event_name}`, kind, attributes, status: { code: STATUS.unset } };
}

/** A handling without a record did not end before its last publish, whose time stands for the end. */
function endOf({ at }: Handling, node: string, caused: readonly TracedEvent[]): string {
  const published = caused.filter(({ from }) => from === node).map(({ published_at }) => published_at);
  return at ?? published.sort().at(-1) ?? "";
}

function handlingId(id: string, { durable }: Handling): string {
  return hex(`process ${id} ${durable}`, 16);
}

function attributesOf({ event_id, event_name, subject, source }: TracedEvent): Attribute[] {
  return [
    text("messaging.system.name", "nats"),
    text("messaging.destination.name", subject),
    text("messaging.destination.template", event_name),
    text("messaging.message.id", event_id),
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
