import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";

/** One exported span. */
export interface CollectedSpan {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** 16 hex digits; "" for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKindName;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly serviceName: string;
  /** The mesh node whose process created it: `alpha/kitchen`; "" for a foreign one. */
  readonly node: string;
}

const SPAN_KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] as const;
export type SpanKindName = (typeof SPAN_KINDS)[number];

// The used part of opentelemetry/proto/collector/trace/v1; field numbers are the wire format.
const SCHEMA = `
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Status { string message = 2; int32 code = 3; }
  message Span {
    bytes trace_id = 1;
    bytes span_id = 2;
    bytes parent_span_id = 4;
    string name = 5;
    int32 kind = 6;
    fixed64 start_time_unix_nano = 7;
    fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9;
    Status status = 15;
  }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1;
      bool bool_value = 2;
      int64 int_value = 3;
      double double_value = 4;
      ArrayValue array_value = 5;
      KeyValueList kvlist_value = 6;
      bytes bytes_value = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`;

/** The request in JSON. Decoded from protobuf, ids are bytes instead of hex; absent fields are left out in both. */
interface TraceRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpSpan {
  readonly traceId: Uint8Array | string;
  readonly spanId: Uint8Array | string;
  readonly parentSpanId?: Uint8Array | string;
  readonly name: string;
  readonly kind?: number | string;
  readonly attributes?: readonly KeyValue[];
}

interface KeyValue {
  readonly key: string;
  readonly value?: AnyValue;
}

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  /** JSON writes 64-bit integers as text. */
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
  readonly bytesValue?: Uint8Array | string;
}

/**
 * An OTLP JSON document after a round trip through protobuf: without unknown fields, and without zeros. Its ids are
 * hex and its times text, as in the protocol's JSON.
 */
export function throughProtobuf(document: object): unknown {
  const type = protobuf.parse(SCHEMA).root.lookupType("ExportTraceServiceRequest");
  const isId = (key: string): boolean => /^(trace|span|parentSpan)Id$/.test(key);
  const bytes = JSON.parse(JSON.stringify(document), (key, value: unknown) =>
    isId(key) ? Buffer.from(String(value), "hex").toString("base64") : value,
  ) as Record<string, unknown>;
  const wire = type.encode(type.fromObject(bytes)).finish();
  const plain = type.toObject(type.decode(wire), { longs: String, bytes: String });
  return JSON.parse(JSON.stringify(plain), (key, value: unknown) =>
    isId(key) ? Buffer.from(String(value), "base64").toString("hex") : value,
  );
}

/** A trace collector on a free port of this machine: accepts OTLP over HTTP and keeps every span. */
export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  /** Requests that were not trace exports; they show a bug in the test. */
  readonly rejected: string[] = [];
  /** Headers of each request. */
  readonly headers: IncomingHttpHeaders[] = [];
  readonly #server: Server;
  readonly #path: string;
  readonly #request = protobuf.parse(SCHEMA).root.lookupType("ExportTraceServiceRequest");

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** @param path Path that accepts spans. */
  static async start(path = "/v1/traces"): Promise<OtlpCollector> {
    const collector = new OtlpCollector(path);
    await new Promise<void>((resolve, reject) => {
      collector.#server.once("error", reject);
      collector.#server.listen(0, "127.0.0.1", resolve);
    });
    return collector;
  }

  /** Value for `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The spans of one event, in order of arrival. */
  spansOf(eventId: string): CollectedSpan[] {
    return this.spans.filter(({ attributes }) => attributes["messaging.message.id"] === eventId);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const type = request.headers["content-type"]?.split(";")[0] ?? "";
    try {
      if (request.method !== "POST" || request.url !== this.#path) throw new Error(`not POST ${this.#path}`);
      this.headers.push(request.headers);
      const body = await bodyOf(request);
      this.spans.push(...spansOfRequest(this.#decode(type, body)));
      // An empty ExportTraceServiceResponse: everything was accepted.
      response.writeHead(200, { "content-type": type }).end(type === "application/json" ? "{}" : "");
    } catch (thrown) {
      this.rejected.push(`${request.method} ${request.url} ${type}: ${String(thrown)}`);
      response.writeHead(400).end();
    }
  }

  #decode(type: string, body: Uint8Array): TraceRequest {
    if (type === "application/json") return JSON.parse(new TextDecoder().decode(body)) as TraceRequest;
    if (type !== "application/x-protobuf") throw new Error("neither JSON nor protobuf");
    return this.#request.toObject(this.#request.decode(body), { longs: Number }) as TraceRequest;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const body = Buffer.concat(chunks);
  return request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
}

function spansOfRequest({ resourceSpans = [] }: TraceRequest): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const { "service.name": service = "", "adaos.node": node = "" } = attributesOf(resource?.attributes);
    const owner = { serviceName: String(service), node: String(node) };
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => ({ ...collected(span), ...owner })));
  });
}

function collected(span: OtlpSpan): Omit<CollectedSpan, "serviceName" | "node"> {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId ?? ""),
    name: span.name,
    kind: kindName(span.kind ?? 0),
    attributes: attributesOf(span.attributes),
  };
}

function hex(id: Uint8Array | string): string {
  return typeof id === "string" ? id.toLowerCase() : Buffer.from(id).toString("hex");
}

/** JSON may contain an enumeration's name instead of its number. */
function kindName(kind: number | string): SpanKindName {
  const found = SPAN_KINDS.find((name, number) => kind === number || kind === `SPAN_KIND_${name}`);
  if (found === undefined) throw new Error(`no span kind ${kind}`);
  return found;
}

function attributesOf(pairs: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: AnyValue = {}): unknown {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue;
}
