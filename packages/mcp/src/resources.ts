import { formatEventRef, MeshError } from "@adaos/core";
import { quote, visibleJson } from "@adaos/core/wire";
import type { EventRecord, FileRegistry } from "@adaos/registry";
import { generateIndex, LLM_HINTS, readEventDocs } from "@adaos/registry-tools";

/** A readable resource, with its URI. */
export interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly description: string;
  readonly mimeType: string;
}

const INDEX: Resource = {
  uri: "adaos://registry",
  name: "registry",
  description: "Every event: kind, status, who publishes and handles it",
  mimeType: "application/json",
};
const HINTS: Resource = {
  uri: "adaos://hints",
  name: "hints",
  description: "How to publish, subscribe, request and answer, and what to do about errors; read it first",
  mimeType: "text/markdown",
};

/** The resources of each event. */
const OF_EVENT = {
  schema: { description: "JSON Schema of the data", mimeType: "application/schema+json" },
  examples: {
    description: "data that is valid, and data that is not with its error",
    mimeType: "application/json",
  },
  docs: { description: "meaning, schema, examples and a snippet", mimeType: "text/markdown" },
} as const;
type OfEvent = keyof typeof OF_EVENT;

/** URIs as patterns. */
export const RESOURCE_TEMPLATES: readonly (Omit<Resource, "uri"> & { readonly uriTemplate: string })[] = (
  Object.keys(OF_EVENT) as OfEvent[]
).map((what) => ({
  uriTemplate: `adaos://events/{name}@{version}/${what}`,
  name: what,
  ...OF_EVENT[what],
}));

const PAGE_EVENTS = 100;
const EVENT_URI = /^adaos:\/\/events\/([a-z0-9._-]{1,200})@([1-9][0-9]{0,3})\/(schema|examples|docs)$/;
/** Limit of examples of one event, in characters of JSON. */
const MAX_EXAMPLES_CHARS = 1_000_000;
/** Limit of Markdown about one event. */
const MAX_DOCS_TOKENS = 8000;

/** One page of all resources. Throws `usage` for an unknown cursor. Pure. */
export function resourcePage(
  { records }: Pick<FileRegistry, "records">,
  cursor: string | undefined,
): { readonly resources: Resource[]; readonly nextCursor?: string } {
  const from = cursor === undefined ? 0 : Number(/^[1-9][0-9]{0,5}$/.exec(cursor)?.[0] ?? Number.NaN);
  if (!(from <= records.length)) throw new MeshError("usage", `no page ${quote(cursor ?? "")}`);
  const page = records.slice(from, from + PAGE_EVENTS).flatMap(resourcesOf);
  const next = from + PAGE_EVENTS;
  return {
    resources: from === 0 ? [HINTS, INDEX, ...page] : page,
    ...(next < records.length ? { nextCursor: String(next) } : {}),
  };
}

/**
 * Text and type of a resource. A URI names events of the registry and never a file.
 * @throws MeshError `usage` for any other URI, `unknown-event`, or `invalid-config` for broken files.
 */
export async function readResource(
  registry: FileRegistry,
  uri: string,
): Promise<Pick<Resource, "mimeType"> & { text: string }> {
  if (uri === INDEX.uri) return { mimeType: INDEX.mimeType, text: generateIndex(registry) };
  if (uri === HINTS.uri) return { mimeType: HINTS.mimeType, text: LLM_HINTS };
  const [, name, version, what] = EVENT_URI.exec(uri) ?? [];
  if (name === undefined)
    throw new MeshError("usage", `no resource ${quote(uri)}; list them, or begin with ${INDEX.uri}`);
  const record = recordOf(registry, name, Number(version));
  const of = what as OfEvent;
  return { mimeType: OF_EVENT[of].mimeType, text: await textOf(registry, record, of) };
}

/** Markdown about one event. */
export async function eventDocs(registry: FileRegistry, record: EventRecord): Promise<string> {
  const docs = await readEventDocs(registry, record);
  const uri = (what: OfEvent): string => uriOf(record, what);
  const places = {
    schema: uri("schema"),
    examples: uri("examples"),
    invalidExamples: uri("examples"),
    snippet: HINTS.uri,
  };
  return docs.text(places, MAX_DOCS_TOKENS);
}

/** A record by its name; without a version the newest one in use. Throws `unknown-event`. */
export function recordOf(registry: FileRegistry, name: string, version: number | undefined): EventRecord {
  const contract = registry.resolve(name, version);
  return registry.records.find(
    (record) => record.name === name && record.version === contract.version,
  ) as EventRecord;
}

function resourcesOf(record: EventRecord): Resource[] {
  const ref = formatEventRef(record.name, record.version);
  return (Object.keys(OF_EVENT) as OfEvent[]).map((what) => {
    const { description, mimeType } = OF_EVENT[what];
    return {
      uri: uriOf(record, what),
      name: `${ref} ${what}`,
      description: `${ref}: ${description}`,
      mimeType,
    };
  });
}

function uriOf({ name, version }: EventRecord, what: OfEvent): string {
  return `adaos://events/${formatEventRef(name, version)}/${what}`;
}

async function textOf(registry: FileRegistry, record: EventRecord, what: OfEvent): Promise<string> {
  if (what === "docs") return eventDocs(registry, record);
  const { contract } = await readEventDocs(registry, record);
  if (what === "schema") return contract.schemaText;
  const valid = contract.examples.map(({ data }) => data);
  const invalid = contract.invalidExamples.map(({ error, data }) => ({ error, data }));
  const shown = { valid: [] as unknown[], invalid: [] as unknown[], left_out: 0 };
  let chars = 0;
  for (const [list, from] of [
    [shown.valid, valid],
    [shown.invalid, invalid],
  ] as const) {
    for (const one of from) {
      chars += JSON.stringify(one).length;
      if (chars <= MAX_EXAMPLES_CHARS) list.push(one);
      else shown.left_out++;
    }
  }
  return visibleJson(shown, 2);
}
