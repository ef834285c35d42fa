import { type CloudEvent, listIn, literalNames, literalOf } from "./cloud-event.ts";
import { MAX_ENVELOPE_BYTES } from "./envelope.ts";
import { MeshError } from "./errors.ts";
import { quote } from "./event-name.ts";

/** `structured`: all in the body. `binary`: attributes in headers, data in the body. */
export type CloudEventMode = "structured" | "binary";

/** A message that contains a CloudEvent, by the NATS protocol binding. */
export interface CloudEventMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const CONTENT_TYPE = "Content-Type";
const STRUCTURED = "application/cloudevents+json; charset=utf-8";
const PREFIX = "ce-";
/** Attribute that lists the number and boolean attributes: a header holds only text. */
const LITERALS = "adaosliterals";
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Pure. In binary mode all attributes are text; `adaosliterals` lists those that were numbers or booleans. */
export function encodeCloudEvent(event: CloudEvent, mode: CloudEventMode): CloudEventMessage {
  if (mode === "structured") {
    return { headers: { [CONTENT_TYPE]: STRUCTURED }, body: encoder.encode(JSON.stringify(event)) };
  }
  const { data, ...attributes } = event;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) headers[PREFIX + name] = percentEncode(String(value));
  }
  const literals = literalNames(attributes);
  if (literals.length > 0) headers[PREFIX + LITERALS] = literals.join(",");
  return { headers, body: data === undefined ? new Uint8Array() : encoder.encode(JSON.stringify(data)) };
}

/**
 * Reads a message in either mode: structured where its content type says so, or where no header is an attribute.
 * Pure. `fromCloudEvent()` checks the result.
 * @throws MeshError `invalid-event` or `too-large`.
 */
export function decodeCloudEvent({ headers, body }: CloudEventMessage): Record<string, unknown> {
  if (body.length > MAX_ENVELOPE_BYTES)
    throw new MeshError(
      "too-large",
      `the message is ${body.length} bytes, the limit is ${MAX_ENVELOPE_BYTES}`,
    );
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const contentType = lower.get("content-type") ?? "";
  if (/^application\/cloudevents-batch/i.test(contentType))
    fail("is a batch of CloudEvents; send one a message");
  const isStructured = /^application\/cloudevents/i.test(contentType) || !lower.has(`${PREFIX}specversion`);
  if (isStructured) {
    if (
      !/^application\/cloudevents(\+json)?\s*(;|$)/i.test(contentType) &&
      contentType.startsWith("application/cloudevents")
    )
      fail(`is a CloudEvent in the format ${quote(contentType)}; known is JSON`);
    const event = parseJson(body, "is no CloudEvent in JSON");
    if (typeof event !== "object" || event === null || Array.isArray(event))
      fail("is no CloudEvent: it must be an object");
    return event as Record<string, unknown>;
  }
  const event = attributesIn(lower);
  // The HTTP binding passes the content type as `datacontenttype`, and gateways forward it.
  if (event["datacontenttype"] === undefined && contentType !== "") event["datacontenttype"] = contentType;
  if (body.length === 0) return event;
  const type = event["datacontenttype"];
  if (type !== undefined && !/^[^;]*[/+]json\s*(;|$)/i.test(String(type)))
    fail(`holds ${quote(String(type))}; the mesh takes JSON`);
  return { ...event, data: parseJson(body, "holds data that is not JSON") };
}

function attributesIn(headers: ReadonlyMap<string, string>): Record<string, unknown> {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of headers)
    if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = percentDecode(unquoted(value), name);
  const { [LITERALS]: literals, ...texts } = attributes;
  if (typeof literals !== "string") return attributes;
  for (const name of listIn(literals))
    if (Object.hasOwn(texts, name)) texts[name] = literalOf(String(texts[name]));
  return texts;
}

function parseJson(body: Uint8Array, problem: string): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    // The parser's message quotes its input, which may be classified.
    fail(problem);
  }
}

/** Encodes space, quote, percent and every character that is not printable ASCII as the bytes of its UTF-8. */
function percentEncode(text: string): string {
  return text.replaceAll(/[^!#$&-~]+/gu, (part) =>
    [...encoder.encode(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function percentDecode(text: string, header: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    fail(`has the header ${quote(header)}, which is not percent-encoded UTF-8`);
  }
}

/** A quoted string of RFC 7230, which older senders write. */
function unquoted(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : text;
}

function fail(problem: string): never {
  throw new MeshError("invalid-event", `the message ${problem}`);
}
