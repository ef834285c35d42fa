import {
  type Attributes,
  type Context,
  context,
  type ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { maskedError } from "../handle/masked-error.ts";
import type { ClassifiedData } from "../language/data-class.ts";
import { messageOf } from "../language/errors.ts";
import type { PreparedEvent } from "../publish/publish.ts";

/**
 * Spans by the OpenTelemetry semantic conventions 1.45 for messaging. Only the API is used here. Without an SDK
 * every call is a no-op, and the context of an event still passes through untouched.
 */

/** Headers of a message; trace context travels in `traceparent` and `tracestate` (W3C Trace Context). */
export type MessageHeaders = Readonly<Record<string, string>>;

const TRACER = "adaos-mesh";

/**
 * The tracer of the process's SDK. Undefined without an SDK: spans would cost as much as a publish. Looked up for
 * each span, and the provider is recognised by its methods, because the SDK may use another copy of the API.
 */
function activeTracer(): Tracer | undefined {
  const provider: TracerProvider & Partial<Pick<ProxyTracerProvider, "getDelegateTracer">> =
    trace.getTracerProvider();
  return provider.getDelegateTracer === undefined
    ? provider.getTracer(TRACER)
    : provider.getDelegateTracer(TRACER);
}

/** The attributes that describe the span's event. */
function attributesOf(
  { envelope, message }: PreparedEvent,
  operation: string,
  type: "send" | "process" | "settle",
): Attributes {
  return {
    "messaging.system.name": "nats",
    "messaging.operation.name": operation,
    "messaging.operation.type": type,
    "messaging.destination.name": message.subject,
    "messaging.destination.template": envelope.event_name,
    "messaging.message.id": envelope.event_id,
    "messaging.message.conversation_id": envelope.correlation_id,
    "messaging.message.body.size": message.body.length,
  };
}

/** A running span and the headers that make it the parent of the next reader's span. */
export interface MessageSpan {
  readonly headers: MessageHeaders;
  end(failure?: unknown): void;
}

/** The message's other headers are passed on. */
function messageSpan(span: Span, within: Context, passedOn: MessageHeaders): MessageSpan {
  const valid = trace.isSpanContextValid(span.spanContext());
  return {
    headers: valid ? { ...passedOn, ...injected(span, within) } : passedOn,
    end: (failure) => endSpan(span, failure),
  };
}

function injected(span: Span, within: Context): MessageHeaders {
  const headers: Record<string, string> = {};
  propagation.inject(trace.setSpan(within, span), headers);
  return headers;
}

function endSpan(span: Span, failure: unknown): void {
  if (failure !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(failure) });
    span.setAttribute("error.type", errorType(failure));
  }
  span.end();
}

function errorType(failure: unknown): string {
  if (typeof failure === "object" && failure !== null && "code" in failure) return String(failure.code);
  return failure instanceof Error ? failure.name : typeof failure;
}

/** Without tracing no span has to end, and the headers pass unchanged. */
function noSpan(headers: MessageHeaders): MessageSpan {
  return { headers, end: endNothing };
}

function endNothing(): void {}

/**
 * Starts the span of a publish, a child of the active span. Its headers are the message's and the trace context.
 */
export function publishSpan(event: PreparedEvent): MessageSpan {
  const { headers } = event.message;
  const tracer = activeTracer();
  if (tracer === undefined) return noSpan(headers);
  const parent = context.active();
  const attributes = attributesOf(event, "publish", "send");
  const span = tracer.startSpan(
    `publish ${event.envelope.event_name}`,
    { kind: SpanKind.PRODUCER, attributes },
    parent,
  );
  return messageSpan(span, parent, headers);
}

/**
 * Starts the span of one hop of a link, a child of the sender's span. Without tracing the headers pass unchanged.
 */
export function linkSpan(
  event: PreparedEvent,
  direction: "up" | "down" | "region",
  subnet: string,
): MessageSpan {
  const { headers } = event.message;
  const tracer = activeTracer();
  if (tracer === undefined) return noSpan(headers);
  const parent = propagation.extract(ROOT_CONTEXT, headers);
  const up = direction !== "down";
  const operation = `link ${direction}`;
  // Links to the root consume for it, those from it produce: service graphs pair producer and consumer spans.
  const kind = up ? SpanKind.CONSUMER : SpanKind.PRODUCER;
  const attributes = {
    ...attributesOf(event, operation, up ? "process" : "send"),
    [`adaos.${direction === "region" ? "region" : "subnet"}`]: subnet,
  };
  const span = tracer.startSpan(`${operation} ${event.envelope.event_name}`, { kind, attributes }, parent);
  return messageSpan(span, parent, headers);
}

/** An event that is handled, and its classified data, which no span may contain. */
export interface ConsumedEvent extends PreparedEvent {
  readonly classified?: ClassifiedData | undefined;
}

/**
 * Runs a handler inside its span, a child of the sender's span. An error of the handler marks the span and is
 * rethrown.
 */
export function inProcessSpan<T>(
  event: ConsumedEvent,
  consumerGroup: string,
  handle: () => T | Promise<T>,
): T | Promise<T> {
  const tracer = activeTracer();
  return tracer === undefined ? handle() : inSpan(tracer, event, consumerGroup, handle);
}

function inSpan<T>(
  tracer: Tracer,
  event: ConsumedEvent,
  consumerGroup: string,
  handle: () => T | Promise<T>,
): Promise<T> {
  const parent = propagation.extract(ROOT_CONTEXT, event.message.headers);
  const attributes = {
    ...attributesOf(event, "process", "process"),
    "messaging.consumer.group.name": consumerGroup,
  };
  const span = tracer.startSpan(
    `process ${event.envelope.event_name}`,
    { kind: SpanKind.CONSUMER, attributes },
    parent,
  );
  return within(span, parent, handle, (thrown) => maskedError(thrown, event.classified, event.envelope.data));
}

/**
 * Records in the event's trace that it has become a dead letter at a durable.
 * @param why Without classified values.
 */
export function deadLetterSpan(event: PreparedEvent, consumerGroup: string, why: unknown): void {
  const tracer = activeTracer();
  if (tracer === undefined) return;
  const parent = propagation.extract(ROOT_CONTEXT, event.message.headers);
  const attributes = {
    ...attributesOf(event, "dead letter", "settle"),
    "messaging.consumer.group.name": consumerGroup,
  };
  const name = `dead letter ${event.envelope.event_name}`;
  endSpan(tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent), why);
}

/** Runs an attempt of `bus.run` inside its span, a child of the active span. Its error is rethrown. */
export function inRunSpan<T>(
  run: { readonly name: string; readonly id: string; readonly attempt: number },
  act: () => T | Promise<T>,
): T | Promise<T> {
  const tracer = activeTracer();
  if (tracer === undefined) return act();
  const attributes = { "adaos.run.id": run.id, "adaos.run.attempt": run.attempt };
  const parent = context.active();
  const span = tracer.startSpan(`run ${run.name}`, { kind: SpanKind.INTERNAL, attributes }, parent);
  return within(span, parent, act, (thrown) => thrown);
}

/** @param shown Returns the part of an error that the span may contain. */
async function within<T>(
  span: Span,
  parent: Context,
  act: () => T | Promise<T>,
  shown: (thrown: unknown) => unknown,
): Promise<T> {
  try {
    const result = await context.with(trace.setSpan(parent, span), act);
    endSpan(span, undefined);
    return result;
  } catch (thrown) {
    endSpan(span, shown(thrown));
    throw thrown;
  }
}
