import { replySubjectForm } from "@adaos/core/wire";
import { ENVELOPE_KEY, ENVELOPE_SCHEMA, envelopeOf, sampleEnvelope, subjectOf } from "./envelope-schema.ts";
import { commandOf, type EventDoc, type EventDocs, replyOf } from "./event-doc.ts";
import { noticeOf, programExamples } from "./pages/page-facts.ts";
import { registryDigest } from "./registry-digest.ts";

type Json = Record<string, unknown>;

/** Stated for every schema: the default of the format is draft-07. */
const SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12";

const refTo = (key: string): string => `#/components/schemas/${key}/schema`;

/** An AsyncAPI 3 document: a channel for each event, a second for the replies of a command. Pure. */
export function asyncApi(docs: EventDocs): Json {
  const { events, schemas } = docs;
  const bundled = schemas.bundle(
    events.map(({ record }) => record),
    refTo,
  );
  const all = { [ENVELOPE_KEY]: ENVELOPE_SCHEMA, ...bundled };
  return {
    asyncapi: "3.0.0",
    info: {
      title: `Events${docs.ofMesh}`,
      version: registryDigest(docs),
      description:
        "Members publish and receive at the server of their hub. The version is a digest of all contracts.",
    },
    defaultContentType: "application/json",
    channels: Object.fromEntries(events.flatMap((doc) => channelsOf(docs, doc))),
    operations: Object.fromEntries(events.flatMap((doc) => operationsOf(docs, doc))),
    components: {
      parameters: PARAMETERS,
      messages: Object.fromEntries(events.map((doc) => [doc.key, message(docs, doc)])),
      messageTraits: { event: TRAIT },
      schemas: Object.fromEntries(
        Object.entries(all).map(([key, schema]) => [key, { schemaFormat: SCHEMA_FORMAT, schema }]),
      ),
    },
  };
}

const PARAMETERS = {
  subnet: { description: "Subnet of the member that published the event, or asked." },
  node: { description: "That member." },
  reach: { description: "far when the reply crosses the root.", enum: ["near", "far"] },
  requestId: { description: "event_id of the command." },
  responderSubnet: { description: "Subnet of the member that answers." },
  responderNode: { description: "That member." },
};

const TRAIT = {
  contentType: "application/json",
  correlationId: { location: "$message.payload#/correlation_id" },
  headers: {
    schemaFormat: SCHEMA_FORMAT,
    schema: {
      type: "object",
      properties: {
        "Nats-Msg-Id": {
          type: "string",
          description:
            "The event_id, and what only its publisher can add: servers store what comes again once.",
        },
        traceparent: { type: "string", description: "W3C Trace Context." },
        tracestate: { type: "string" },
        baggage: { type: "string" },
      },
    },
  },
};

function channelsOf(docs: EventDocs, doc: EventDoc): [string, Json][] {
  if (doc.record.kind === "reply") return [];
  const channels: [string, Json][] = [
    [doc.key, channel(subjectOf(doc), doc, doc.record.summary, ["subnet", "node"])],
  ];
  const reply = replyOf(docs, doc);
  if (reply !== undefined) {
    const address = replySubjectForm(doc.record.name, doc.record.version);
    channels.push([reply.key, channel(address, reply, reply.record.summary, Object.keys(PARAMETERS))]);
  }
  return channels;
}

function channel(address: string, { key }: EventDoc, summary: string, parameters: readonly string[]): Json {
  return {
    address,
    summary,
    parameters: Object.fromEntries(
      parameters.map((name) => [name, { $ref: `#/components/parameters/${name}` }]),
    ),
    messages: { [key]: { $ref: `#/components/messages/${key}` } },
  };
}

/** A member's operation on an event: send or receive. */
function operationsOf(docs: EventDocs, doc: EventDoc): [string, Json][] {
  if (doc.record.kind === "reply") return [];
  const reply = replyOf(docs, doc);
  const at = ({ key }: EventDoc): Json => ({
    channel: { $ref: `#/channels/${key}` },
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
  });
  const answered = reply === undefined ? {} : { reply: at(reply) };
  return [
    [`send.${doc.key}`, { action: "send", ...at(doc), ...answered }],
    [`receive.${doc.key}`, { action: "receive", ...at(doc), ...answered }],
  ];
}

function message(docs: EventDocs, doc: EventDoc): Json {
  const { record, ref, description, schemaVersion } = doc;
  const notice = noticeOf(docs, doc);
  const instead = notice?.instead === undefined ? "" : ` Use ${notice.instead.ref} instead.`;
  const told = notice === undefined ? [] : [`${notice.kind.toUpperCase()}. ${notice.text}${instead}`];
  const command = commandOf(docs, doc);
  const examples = programExamples(doc);
  return {
    name: ref,
    title: ref,
    summary: record.summary,
    description: [...told, description || record.summary].join("\n\n"),
    tags: [{ name: record.kind }, { name: record.status }],
    traits: [{ $ref: "#/components/messageTraits/event" }],
    payload: { schemaFormat: SCHEMA_FORMAT, schema: envelopeOf(doc, refTo) },
    ...(examples.length === 0
      ? {}
      : {
          examples: examples.map(({ title, data }) => ({ name: title, payload: sampleEnvelope(doc, data) })),
        }),
    "x-producers": record.producers,
    "x-consumers": record.consumers,
    "x-idempotency-key": record.semantics.idempotency_key,
    ...(schemaVersion === undefined ? {} : { "x-schema-version": schemaVersion }),
    ...(command === undefined ? {} : { "x-answers": command.ref }),
    ...(record.status === "deprecated" ? { "x-deprecated": true } : {}),
  };
}
