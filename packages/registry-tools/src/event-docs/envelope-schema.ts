import { formatSubject, REQUIRED_ENVELOPE_FIELDS } from "@adaos/core/wire";
import type { EventDoc } from "./event-doc.ts";

type Json = Readonly<Record<string, unknown>>;

/** Key of the common schema of all envelopes. */
export const ENVELOPE_KEY = "envelope";

const text = (description: string, more: Json = {}): Json => ({
  type: "string",
  minLength: 1,
  maxLength: 256,
  description,
  ...more,
});

/** JSON Schema of every envelope, as `decodeEnvelope()` checks it. */
export const ENVELOPE_SCHEMA: Json = {
  type: "object",
  description: "One event as it travels, the body of the message.",
  required: [...REQUIRED_ENVELOPE_FIELDS],
  additionalProperties: false,
  properties: {
    event_id: text("Names the event; what comes again under it is the same event.", {
      pattern: "^EVT-[0-9]{8}-[0-9]{6}-[0-9a-f]{6,32}$",
    }),
    event_name: text("Name of the event."),
    version: { type: "integer", minimum: 1, maximum: 9999, description: "Major version of the event." },
    kind: { enum: ["event", "command", "reply"] },
    ts: text("When it was published.", { format: "date-time" }),
    source: text("<component>@<node>", {
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}@[A-Za-z0-9][A-Za-z0-9-]{0,62}$",
    }),
    correlation_id: text("The same for all events of one undertaking."),
    causation_id: text("event_id of the event whose handler published this one."),
    tenant: text("That of the node's subnet."),
    headers: {
      type: "object",
      description: "For handlers.",
      maxProperties: 32,
      propertyNames: { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$" },
      additionalProperties: { type: "string", maxLength: 1024 },
    },
    data: { description: "What the event's own schema says." },
  },
};

const FIELDS = new Set(Object.keys(ENVELOPE_SCHEMA["properties"] as Json));

/** The envelope of one event; `refTo` gives the reference to its data's schema. */
export function envelopeOf({ record, key }: EventDoc, refTo: (key: string) => string): Json {
  const headers = record.required_headers.filter((header) => !FIELDS.has(header));
  const fields = record.required_headers.filter((header) => FIELDS.has(header));
  return {
    allOf: [{ $ref: refTo(ENVELOPE_KEY) }],
    ...(fields.length === 0 ? {} : { required: fields }),
    properties: {
      event_name: { const: record.name },
      version: { const: record.version },
      kind: { const: record.kind },
      ...(headers.length === 0 ? {} : { headers: { required: headers } }),
      data: { $ref: refTo(key) },
    },
  };
}

/** An envelope around an example; the same at each call. */
export function sampleEnvelope({ record }: EventDoc, data: unknown): Json {
  const component = (record.producers[0] ?? "example").replaceAll("*", "example");
  const headers = record.required_headers.filter((header) => !FIELDS.has(header));
  return {
    event_id: "EVT-20260102-030405-0123456789ab",
    event_name: record.name,
    version: record.version,
    kind: record.kind,
    ts: "2026-01-02T03:04:05.000Z",
    source: `${component}@kitchen`,
    correlation_id: "EVT-20260102-030400-ba9876543210",
    ...(record.required_headers.includes("causation_id")
      ? { causation_id: "EVT-20260102-030400-ba9876543210" }
      : {}),
    tenant: "default",
    headers: Object.fromEntries(headers.map((header) => [header, "example"])),
    data,
  };
}

/** The subjects of an event, with parameters for its origin. */
export function subjectOf({ record }: EventDoc): string {
  return formatSubject({ subnet: "s", node: "n", name: record.name, version: record.version }).replace(
    ".s.n.",
    ".{subnet}.{node}.",
  );
}
