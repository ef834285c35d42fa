import { MESH_ERROR_CODES } from "@adaos/core";
import { type EventDoc, type EventDocs, replyOf } from "./event-doc.ts";
import { noticeOf, programExamples } from "./pages/page-facts.ts";
import { registryDigest } from "./registry-digest.ts";

type Json = Record<string, unknown>;

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const refTo = (key: string): string => `#/components/schemas/${key}`;

/** Headers that are fields of the envelope. */
const KNOWN_HEADERS = ["correlation_id", "idempotency_key"];

/** An OpenAPI 3.1 document: a POST for each command, answered by its reply. Pure. */
export function openApi(docs: EventDocs): Json {
  const commands = docs.events.filter(({ record }) => record.kind === "command");
  const replies = commands.flatMap((command) => replyOf(docs, command) ?? []);
  const records = [...commands, ...replies].map(({ record }) => record);
  return {
    openapi: "3.1.0",
    info: {
      title: `Commands${docs.ofMesh}`,
      version: registryDigest(docs),
      description:
        "The commands of the mesh as requests, for whoever puts HTTP in front of it; no daemon of the mesh serves them. The version is a digest of all contracts.",
    },
    jsonSchemaDialect: DIALECT,
    paths: Object.fromEntries(commands.map((doc) => [`/commands/${pathOf(doc)}`, { post: post(docs, doc) }])),
    components: {
      schemas: { error: ERROR, ...docs.schemas.bundle(records, refTo) },
      responses: RESPONSES,
    },
  };
}

function pathOf({ record }: EventDoc): string {
  return `${record.name}/v${record.version}`;
}

const ERROR = {
  type: "object",
  required: ["code", "message"],
  properties: {
    code: { enum: [...MESH_ERROR_CODES], description: "docs/reference/errors.md explains each." },
    message: { type: "string", description: "One sentence: what was wrong, and what to do." },
  },
};

/** The errors of `request` by HTTP status. */
const FAILURES: Readonly<Record<string, string>> = {
  "403": "denied: no policy rule allows it.",
  "404": "no-handler: no member answers it; nothing was sent.",
  "413": "too-large.",
  "422": "invalid-event: the data breaks the schema.",
  "502": "failed: its handler failed for good.",
  "503": "unavailable or backpressure: nothing was sent.",
  "504": "timeout: the outcome is unknown.",
};

const RESPONSES = Object.fromEntries(
  Object.entries(FAILURES).map(([code, description]) => [
    `error${code}`,
    { description, content: { "application/json": { schema: { $ref: refTo("error") } } } },
  ]),
);

function post(docs: EventDocs, doc: EventDoc): Json {
  const { record, description } = doc;
  const notice = noticeOf(docs, doc);
  const instead = notice?.instead === undefined ? "" : ` Use ${notice.instead.ref} instead.`;
  const told = notice === undefined ? [] : [`${notice.kind.toUpperCase()}. ${notice.text}${instead}`];
  const errors = Object.keys(FAILURES).map((code) => [code, { $ref: `#/components/responses/error${code}` }]);
  const headers = [...new Set([...record.required_headers, ...usual(doc)])];
  return {
    operationId: doc.key,
    summary: record.summary,
    description: [...told, description || record.summary].join("\n\n"),
    tags: [record.name.slice(0, record.name.indexOf("."))],
    ...(record.status === "deprecated" ? { deprecated: true } : {}),
    parameters: headers.map((header) => ({
      name: header,
      in: "header",
      required: record.required_headers.includes(header),
      schema: { type: "string", minLength: 1, maxLength: 256 },
    })),
    requestBody: { required: true, content: content(doc) },
    responses: { ...success(docs, doc), ...Object.fromEntries(errors) },
  };
}

function usual({ record }: EventDoc): string[] {
  return record.semantics.idempotency_key === "idempotency_key" ? KNOWN_HEADERS : KNOWN_HEADERS.slice(0, 1);
}

function success(docs: EventDocs, doc: EventDoc): Json {
  const reply = replyOf(docs, doc);
  if (reply === undefined) return { "202": { description: "Stored. The registry declares no reply." } };
  return { "200": { description: reply.record.summary, content: content(reply) } };
}

function content(doc: EventDoc): Json {
  const examples = programExamples(doc).map(({ title, data }) => [exampleKey(title), { value: data }]);
  const shown = examples.length === 0 ? {} : { examples: Object.fromEntries(examples) };
  return { "application/json": { schema: { $ref: refTo(doc.key) }, ...shown } };
}

function exampleKey(title: string): string {
  return title.replaceAll(/[^A-Za-z0-9._-]/g, "-");
}
