import { createHash } from "node:crypto";
import { DEFAULT_TENANT } from "../policy/mesh.ts";
import { checkEnvelope, type Envelope } from "./envelope.ts";
import { MeshError } from "./errors.ts";
import { quote } from "./event-name.ts";

/** A CloudEvent 1.0: its attributes and data. Extensions may have any other name of a-z and 0-9. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly data?: unknown;
  readonly [extension: string]: unknown;
}

/** The `name@version` of our event for each type. A type that is not listed is read as `<name>.v<version>`. */
export type TypeMap = ReadonlyMap<string, string>;

const ATTRIBUTE_NAME = /^[a-z0-9]+$/;
const EVENT_ID = /^EVT-[0-9]{8}-[0-9]{6}-[0-9a-f]{6,32}$/;
const TS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const SOURCE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}@[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;
const JSON_TYPE = /^[^;]*[/+]json\s*(;|$)/i;
const CONTROL = /[\p{Cc}\p{Cs}]/u;
const JSON_DATA = "application/json";
const EPOCH = "1970-01-01T00:00:00.000Z";
/** Attributes travel in the headers of an envelope under this prefix. */
const HEADER_PREFIX = "ce-";
/** Header that lists optional attributes and data that the CloudEvent did not have. */
const ABSENT = "ce-adaosabsent";
/** Header that lists the number and boolean attributes. */
const LITERALS = "ce-adaosliterals";

/**
 * The CloudEvent of an envelope. Fields that {@link fromCloudEvent} could not derive travel in extensions that
 * begin with `adaos`, so both ways are without loss. Pure.
 */
export function toCloudEvent(envelope: Envelope, types: TypeMap = new Map()): CloudEvent {
  const own = nativeEvent(envelope);
  const restored = restoredEvent(envelope, own);
  const attributes: Record<string, unknown> = isReadable(restored, types) ? restored : own;
  let read = fromCloudEvent(attributes, types);
  for (const { extension, textOf } of FIELDS) {
    const value = textOf(envelope);
    if (value === textOf(read)) continue;
    attributes[extension] = value;
    read = fromCloudEvent(attributes, types);
  }
  return attributes as CloudEvent;
}

/**
 * Fields of an envelope, and the extension that carries each where no other attribute does; a field comes after
 * those that it depends on.
 */
const FIELDS: readonly { readonly extension: string; readonly textOf: (envelope: Envelope) => string }[] = [
  { extension: "adaosid", textOf: ({ event_id }) => event_id },
  { extension: "adaosevent", textOf: ({ event_name, version }) => `${event_name}@${version}` },
  { extension: "adaoskind", textOf: ({ kind }) => kind },
  { extension: "adaostime", textOf: ({ ts }) => ts },
  { extension: "adaossource", textOf: ({ source }) => source },
  { extension: "adaostenant", textOf: ({ tenant }) => tenant },
  { extension: "adaoscorrelation", textOf: ({ correlation_id }) => correlation_id },
  { extension: "adaoscausation", textOf: ({ causation_id }) => causation_id ?? "" },
  {
    extension: "adaosheaders",
    textOf: ({ headers }) => JSON.stringify(Object.entries(headers).toSorted(byKey)),
  },
];

function nativeEvent(envelope: Envelope): Record<string, unknown> {
  const { event_id, event_name, version, ts, source, correlation_id, causation_id, data } = envelope;
  return {
    specversion: "1.0",
    id: event_id,
    source,
    type: `${event_name}.v${version}`,
    time: ts,
    datacontenttype: JSON_DATA,
    ...(isExtensionText(correlation_id) && correlation_id !== event_id
      ? { correlationid: correlation_id }
      : {}),
    ...(isExtensionText(causation_id) ? { causationid: causation_id } : {}),
    data,
  };
}

/** Restores the attributes that came in as headers. */
function restoredEvent(
  { headers }: Envelope,
  own: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const restored: Record<string, unknown> = { ...own };
  const literals = listIn(headers[LITERALS]);
  for (const [header, value] of Object.entries(headers)) {
    const name = header.slice(HEADER_PREFIX.length);
    if (
      !header.startsWith(HEADER_PREFIX) ||
      !ATTRIBUTE_NAME.test(name) ||
      name.startsWith("adaos") ||
      /^data(_|$)/.test(name)
    )
      continue;
    restored[name] = literals.includes(name) ? literalOf(value) : value;
  }
  for (const name of listIn(headers[ABSENT]))
    if (name !== "data" || own["data"] === null) delete restored[name];
  return restored;
}

function isReadable(attributes: Readonly<Record<string, unknown>>, types: TypeMap): boolean {
  try {
    fromCloudEvent(attributes, types);
    return true;
  } catch {
    return false;
  }
}

/**
 * The envelope of a CloudEvent, the same each time: where the id is not one of ours, an id is derived from source
 * and id. Attributes without a field travel in headers `ce-<name>`. Errors name no place within the data. Pure.
 * @throws MeshError `invalid-event` unless the value is a CloudEvent with JSON data that an envelope can hold.
 */
export function fromCloudEvent(value: unknown, types: TypeMap = new Map()): Envelope {
  const event = checkCloudEvent(value);
  const text = (name: string): string | undefined =>
    typeof event[name] === "string" ? event[name] : undefined;
  const headers: Record<string, string> = {};
  const keep = (name: string, isKnown: boolean): void => {
    if (!isKnown && event[name] !== undefined) headers[HEADER_PREFIX + name] = String(event[name]);
  };
  const { name, version } = eventOf(event, types);
  const { id, source, type, time, datacontenttype, data = null } = event;
  const isOurId = EVENT_ID.test(id);
  const event_id = text("adaosid") ?? (isOurId ? id : idOf(event));
  const correlation = text("correlationid");
  const isCorrelation = isExtensionText(correlation) && correlation !== event_id;
  const causation = text("causationid");
  const isCausation = isExtensionText(causation);
  const isTs = time !== undefined && TS.test(time);
  keep("id", isOurId);
  keep("source", SOURCE.test(source));
  keep("type", type === `${name}.v${version}`);
  keep("time", isTs);
  keep("datacontenttype", datacontenttype === JSON_DATA);
  keep("correlationid", isCorrelation);
  keep("causationid", isCausation);
  keepOthers(event, headers);
  const causation_id = text("adaoscausation") ?? (isCausation ? causation : "");
  const envelope = {
    event_id,
    event_name: name,
    version,
    kind: text("adaoskind") ?? "event",
    ts: text("adaostime") ?? (isTs ? time : canonicalTime(time)),
    source: text("adaossource") ?? (SOURCE.test(source) ? source : "cloudevents@foreign"),
    correlation_id: text("adaoscorrelation") ?? (isCorrelation ? correlation : event_id),
    ...(causation_id === "" ? {} : { causation_id }),
    tenant: text("adaostenant") ?? DEFAULT_TENANT,
    headers: headersIn(text("adaosheaders")) ?? headers,
    data,
  };
  // The schema, which is not read yet, says which keys of the data are classified.
  return checkEnvelope(envelope, false);
}

const KNOWN = [
  "specversion",
  "id",
  "source",
  "type",
  "time",
  "datacontenttype",
  "data",
  "correlationid",
  "causationid",
];

function keepOthers(event: CloudEvent, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(event))
    if (!KNOWN.includes(name) && !name.startsWith("adaos") && value !== undefined)
      headers[HEADER_PREFIX + name] = String(value);
  const literals = literalNames(event);
  const absent = ["time", "datacontenttype", "data"].filter((name) => event[name] === undefined);
  if (literals.length > 0) headers[LITERALS] = literals.join(",");
  if (absent.length > 0) headers[ABSENT] = absent.join(",");
}

function checkCloudEvent(value: unknown): CloudEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) fail("", "must be an object");
  const event = value as Record<string, unknown>;
  if (event["specversion"] !== "1.0") fail("specversion", "must be 1.0");
  for (const name of ["id", "source", "type"])
    if (typeof event[name] !== "string" || event[name] === "") fail(name, "must be a text");
  if (event["data_base64"] !== undefined)
    fail("data_base64", "is binary data; the mesh takes JSON, send a reference instead");
  for (const [name, attribute] of Object.entries(event)) {
    if (name === "data" || attribute === undefined) continue;
    if (!ATTRIBUTE_NAME.test(name)) fail(name, "has a name that is not of a-z and 0-9");
    const isText = typeof attribute === "string" && !CONTROL.test(attribute);
    if (!isText && typeof attribute !== "boolean" && !isInt32(attribute))
      fail(name, "must be a text without control characters, a boolean or a 32-bit integer");
  }
  const { time, datacontenttype } = event;
  if (time !== undefined && (typeof time !== "string" || Number.isNaN(Date.parse(time))))
    fail("time", "must be an RFC 3339 time");
  if (
    datacontenttype !== undefined &&
    !(typeof datacontenttype === "string" && JSON_TYPE.test(datacontenttype))
  )
    fail("datacontenttype", `is ${quote(String(datacontenttype))}; the mesh takes JSON`);
  return event as unknown as CloudEvent;
}

function eventOf(
  { type, adaosevent }: CloudEvent,
  types: TypeMap,
): { readonly name: string; readonly version: number } {
  const ref = typeof adaosevent === "string" ? adaosevent : types.get(type);
  const way = ref === undefined ? /^(.+)\.v([1-9][0-9]{0,3})$/ : /^(.+)@([1-9][0-9]{0,3})$/;
  const [, name = ref ?? type, version = "1"] = way.exec(ref ?? type) ?? [];
  return { name, version: Number(version) };
}

/** In the form of an envelope's `ts`: UTC with milliseconds. */
function canonicalTime(time: string | undefined): string {
  return time === undefined ? EPOCH : new Date(time).toISOString();
}

/** Derived from source and id, which identify a CloudEvent: a repetition gets the same id. */
function idOf({ source, id, time }: CloudEvent): string {
  const iso = canonicalTime(time);
  const hash = createHash("sha256")
    .update(JSON.stringify([source, id]))
    .digest("hex")
    .slice(0, 32);
  return `EVT-${iso.slice(0, 10).replaceAll("-", "")}-${iso.slice(11, 19).replaceAll(":", "")}-${hash}`;
}

function headersIn(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    return Object.fromEntries(JSON.parse(text) as [string, unknown][]);
  } catch {
    fail("adaosheaders", "is no list of headers");
  }
}

/** Whether the value fits both an envelope field and an attribute. */
function isExtensionText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 256 && !CONTROL.test(value);
}

function isInt32(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= -(2 ** 31) && (value as number) < 2 ** 31;
}

/** Names of the attributes that are numbers or booleans, sorted. Pure. */
export function literalNames(attributes: Readonly<Record<string, unknown>>): readonly string[] {
  const isLiteral = (name: string): boolean => ["number", "boolean"].includes(typeof attributes[name]);
  return Object.keys(attributes)
    .filter((name) => name !== "data" && isLiteral(name))
    .toSorted();
}

/** The names in a list with commas. Pure. */
export function listIn(text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

/** The number or boolean that the text spells, or the text itself. Pure. */
export function literalOf(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  const value = Number(text);
  return String(value) === text ? value : text;
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : Number(a > b);
}

function fail(attribute: string, problem: string): never {
  const what = attribute === "" ? "a CloudEvent" : `attribute ${quote(attribute)} of a CloudEvent`;
  throw new MeshError("invalid-event", `${what} ${problem}`);
}
