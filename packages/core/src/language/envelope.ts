import { MeshError, type Violation } from "./errors.ts";
import { eventNameProblem, quote } from "./event-name.ts";

/**
 * Largest encoded envelope. Streams take far more, and the servers' `max_payload` is far above that: see
 * `message-size.ts`.
 */
export const MAX_ENVELOPE_BYTES = 262_144;
/** Deepest nesting of arrays and objects in an envelope. */
export const MAX_JSON_DEPTH = 64;

export type EventKind = "event" | "command" | "reply";

/** One event as it travels, a JSON object in the message body. Field names are the wire format. */
export interface Envelope<TData = unknown> {
  readonly event_id: string;
  readonly event_name: string;
  /** Major version of the event's schema. */
  readonly version: number;
  readonly kind: EventKind;
  /** RFC 3339; written in UTC with `Z` and milliseconds. */
  readonly ts: string;
  /** `<component>@<node>`, for example `skill.nlp@kitchen`. */
  readonly source: string;
  readonly correlation_id: string;
  /** `event_id` of the event whose handler published this one. */
  readonly causation_id?: string;
  readonly tenant: string;
  /** For handlers, for example `idempotency_key`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly data: TData;
}

const KINDS: readonly string[] = ["event", "command", "reply"];
/** Readers accept 6 or more hex digits; we write 12. */
const EVENT_ID = /^EVT-[0-9]{8}-[0-9]{6}-[0-9a-f]{6,32}$/;
const TS = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const SOURCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}@[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;
/** Which fields are required. */
const NEED: Readonly<Record<keyof Envelope, "required" | "optional">> = {
  event_id: "required",
  event_name: "required",
  version: "required",
  kind: "required",
  ts: "required",
  source: "required",
  correlation_id: "required",
  causation_id: "optional",
  tenant: "required",
  headers: "required",
  data: "required",
};
const FIELDS: ReadonlySet<string> = new Set(Object.keys(NEED));
/** The fields that every envelope has. */
export const REQUIRED_ENVELOPE_FIELDS: readonly string[] = Object.entries(NEED)
  .filter(([, need]) => need === "required")
  .map(([field]) => field);
const MAX_HEADERS = 32;
/** Header names that every protocol accepts (RFC 9110), so that no gateway has to rename a header. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** Servers act upon headers of this prefix. */
const RESERVED_HEADER = /^nats-/i;
const CONTROL = /\p{Cc}/u;
const MAX_TEXT_LENGTH = 256;
/** Longest pointer in an error: key names come from strangers and go into logs. */
const MAX_POINTER_LENGTH = 200;

// Fatal: a lenient decoder would turn bad UTF-8 into other data than was sent.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether a text can be the id of an event. */
export function isEventId(text: string): boolean {
  return EVENT_ID.test(text);
}

/** Encodes a checked envelope. Throws `too-large` or, where JSON cannot hold the data, `invalid-event`. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  let text: string;
  try {
    text = JSON.stringify(envelope);
  } catch (cause) {
    throw MeshError.from(cause, "invalid-event", `data of ${envelope.event_name} is not JSON`);
  }
  // From Node's pool: an array with its own buffer costs as much as the rest of the encoding.
  const body = Buffer.from(text, "utf8");
  if (body.length > MAX_ENVELOPE_BYTES) {
    throw new MeshError(
      "too-large",
      `${envelope.event_name} is ${body.length} bytes as an envelope, the limit is ${MAX_ENVELOPE_BYTES}; send a reference to large data instead`,
    );
  }
  return body;
}

/**
 * Decodes and checks an envelope from the wire. Throws `invalid-event` or `too-large`, naming the field. Of a
 * repeated key the last value counts: links and handlers read the same bytes by this function, so they cannot
 * differ.
 * @param namesKeys As with {@link checkEnvelope}; false where the schema is not known.
 */
export function decodeEnvelope(body: Uint8Array, namesKeys = true): Envelope {
  if (body.length > MAX_ENVELOPE_BYTES) {
    throw new MeshError("too-large", `message is ${body.length} bytes, the limit is ${MAX_ENVELOPE_BYTES}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(body));
  } catch {
    // The parser's message quotes its input, which may be classified.
    throw new MeshError("invalid-event", "message body is not a JSON envelope");
  }
  return checkEnvelope(value, namesKeys);
}

/**
 * Checks every field of a value that may be an envelope. Throws `invalid-event` naming the first wrong field.
 * @param namesKeys Whether errors name places in the data; false where its keys may be classified.
 */
export function checkEnvelope(value: unknown, namesKeys = true): Envelope {
  if (!isRecord(value)) fail("", "must be an object");
  for (const field of Object.keys(value)) {
    if (!FIELDS.has(field)) fail(`/${escapePointer(field)}`, "is not a field of an envelope");
  }
  text(value, "event_id", EVENT_ID, "must be EVT-<yyyymmdd>-<hhmmss>-<6 to 32 hex>");
  const name = text(value, "event_name", undefined, "");
  const nameProblem = eventNameProblem(name);
  if (nameProblem !== undefined) fail("/event_name", `${quote(name)} ${nameProblem}`);
  const version = value["version"];
  if (!Number.isInteger(version) || (version as number) < 1 || (version as number) > 9999) {
    fail("/version", "must be an integer from 1 to 9999");
  }
  if (!KINDS.includes(value["kind"] as string)) fail("/kind", "must be event, command or reply");
  const ts = text(value, "ts", TS, "must be an RFC 3339 time with a zone");
  if (!isRealTime(ts)) fail("/ts", "must be a time that exists");
  text(value, "source", SOURCE, "must be <component>@<node>");
  text(value, "correlation_id", undefined, "");
  if (value["causation_id"] !== undefined) text(value, "causation_id", undefined, "");
  text(value, "tenant", undefined, "");
  checkHeaders(value["headers"]);
  checkData(value["data"], namesKeys);
  return value as unknown as Envelope;
}

/** Checks the data of an envelope whose other fields are already checked. Throws as {@link checkEnvelope} does. */
export function checkData(data: unknown, namesKeys: boolean): void {
  if (data === undefined) fail("/data", "is required");
  const problem = jsonProblem(data, MAX_JSON_DEPTH - 1);
  if (problem !== undefined) fail(namesKeys ? `/data${problem.pointer}` : "/data", problem.expected);
}

function text(
  value: Record<string, unknown>,
  field: string,
  shape: RegExp | undefined,
  expected: string,
): string {
  const found = value[field];
  if (typeof found !== "string" || found === "" || found.length > MAX_TEXT_LENGTH) {
    fail(`/${field}`, `must be a string of 1 to ${MAX_TEXT_LENGTH} characters`);
  }
  if (shape !== undefined && !shape.test(found)) fail(`/${field}`, `${expected}, got ${quote(found)}`);
  return found;
}

function checkHeaders(headers: unknown): void {
  if (!isRecord(headers)) fail("/headers", "must be an object of strings");
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) fail("/headers", `has more than ${MAX_HEADERS} entries`);
  for (const [key, value] of entries) {
    const problem = headerProblem(key, value);
    if (problem !== undefined) fail(`/headers/${escapePointer(key)}`, problem);
  }
}

function headerProblem(key: string, value: unknown): string | undefined {
  if (!HEADER_NAME.test(key))
    return "has a name that is not 1 to 128 of A-Z a-z 0-9 ! # $ % & ' * + . ^ _ ` | ~ -";
  if (RESERVED_HEADER.test(key)) return "has a name that is reserved for servers; choose one without Nats-";
  if (typeof value !== "string" || value.length > 1024) return "must be a string of at most 1024 characters";
  return CONTROL.test(value) ? "must contain no control characters, line ends included" : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One token of a JSON pointer (RFC 6901). */
export function escapePointer(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}

const DAYS: readonly number[] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** For a time of the right shape. `Date.parse()` reads 30 February as 2 March. */
function isRealTime(ts: string): boolean {
  const month = digitsAt(ts, 5);
  const day = digitsAt(ts, 8);
  if (day < 1 || day > (DAYS[month - 1] ?? 0)) return false;
  if (month === 2 && day === 29 && !isLeapYear(digitsAt(ts, 0) * 100 + digitsAt(ts, 2))) return false;
  if (digitsAt(ts, 14) > 59 || digitsAt(ts, 17) > 59) return false;
  if (ts.endsWith("Z")) return true;
  return digitsAt(ts, ts.length - 5) <= 23 && digitsAt(ts, ts.length - 2) <= 59;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function digitsAt(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

/**
 * The first value in the data that JSON cannot hold (it would silently become null, nothing or another number), or
 * that is nested deeper than `limit`. Stops at the limit, so it cannot overflow the stack.
 */
function jsonProblem(value: unknown, limit: number): Violation | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      // Readers round from 2^53 on, in different ways: an id would become another id.
      return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
        ? undefined
        : { pointer: "", expected: numberProblem(value) };
    case "object":
      return value === null ? undefined : jsonProblemWithin(value, limit);
    default:
      return { pointer: "", expected: `is ${typeof value}; JSON cannot hold it` };
  }
}

function numberProblem(value: number): string {
  return Number.isFinite(value)
    ? // The number is left out: it may be that of a card.
      "is a number beyond 2^53 - 1, whose digits are lost; send it as a string"
    : `is ${value}; JSON cannot hold it`;
}

function jsonProblemWithin(value: object, limit: number): Violation | undefined {
  if (limit <= 0) return { pointer: "", expected: `is nested deeper than ${MAX_JSON_DEPTH}` };
  const isList = Array.isArray(value);
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    // An undefined property is left out, as its author intended; an undefined item would become null.
    if (item === undefined && !isList) continue;
    const problem = jsonProblem(item, limit - 1);
    if (problem !== undefined) return { ...problem, pointer: `/${escapePointer(key)}${problem.pointer}` };
  }
  return undefined;
}

function fail(pointer: string, expected: string): never {
  const shown = pointer.length > MAX_POINTER_LENGTH ? `${pointer.slice(0, MAX_POINTER_LENGTH)}...` : pointer;
  throw new MeshError("invalid-event", `envelope${shown === "" ? "" : ` field ${shown}`} ${expected}`, {
    violations: [{ pointer: shown, expected }],
    schema: "envelope",
  });
}
