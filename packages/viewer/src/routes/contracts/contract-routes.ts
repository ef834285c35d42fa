import { type Envelope, formatEventRef, MeshError, parseEventRef, patternMatches } from "@adaos/core";
import { ROOT_DOMAIN } from "@adaos/core/wire";
import {
  driftOf,
  readSeen,
  type Seen,
  type SeenDurable,
  SeenProducers,
  type SubjectCount,
  subjectCounts,
  type Topic,
  topicsOf,
  withEach,
} from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import { loadRegistry } from "@adaos/registry";
import {
  describeEvents,
  type EventDoc,
  fieldChanges,
  searchEvents,
  versionsOf,
} from "@adaos/registry-tools/docs";
import { z } from "zod";
import type { Contract, ContractList, DriftAnswer } from "../../api/contracts.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { KeptAnswers } from "../kept-answers.ts";
import { shownFields } from "./shown-fields.ts";

const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 31;
/** Events that are read of each hub to see who publishes what; the command reads all. */
const MAX_READ = 50_000;
const REGISTRY_MS = 5000;
const COUNTS_MS = 5000;
const SEEN_MS = 30_000;
const MAX_QUESTION = 200;

type Docs = Awaited<ReturnType<typeof describeEvents>> & {
  readonly hash: string;
  readonly shownSchema: (doc: EventDoc) => EventDoc["schema"];
};
interface Counts {
  readonly subjects: readonly SubjectCount[];
  readonly away: ContractList["away"];
}
type SeenAll = Seen & { readonly notes: readonly string[] };

class Contracts {
  readonly #context: ViewerContext;
  readonly #docs = new KeptAnswers<Docs>(REGISTRY_MS);
  readonly #counts = new KeptAnswers<Counts>(COUNTS_MS);
  readonly #seen = new KeptAnswers<SeenAll>(SEEN_MS);

  constructor(context: ViewerContext) {
    this.#context = context;
  }

  docs(): Promise<Docs> {
    const { registryDir } = this.#context.layout();
    return this.#docs.get(registryDir, async () => {
      const registry = await loadRegistry(registryDir);
      return {
        ...(await describeEvents(registry, undefined)),
        hash: registry.hash,
        shownSchema: ({ record: { name, version } }) => registry.shownSchemaOf(name, version),
      };
    });
  }

  /** As `adaos events topics` counts: each event where it was published. */
  async topics(
    records: Parameters<typeof topicsOf>[1],
  ): Promise<{ topics: Map<string, Topic>; away: Counts["away"] }> {
    const { subjects, away } = await this.#counts.get("", async () => {
      const layout = this.#context.layout();
      const found: SubjectCount[] = [];
      const silent = await withEach(hubsOf(layout), async (server) => {
        const stream = layout.servers.find(({ of }) => of === server.of)?.stream ?? "";
        found.push(...(await subjectCounts(server, stream, server.of)));
      });
      return { subjects: found, away: silent.map(({ of, reason }) => ({ of, reason })) };
    });
    return { topics: new Map(topicsOf(subjects, records).map((topic) => [topic.event, topic])), away };
  }

  seen(hours: number): Promise<SeenAll> {
    return this.#seen.get(String(hours), async () => {
      const notes: string[] = [];
      const seen = { producers: new SeenProducers(), durables: [] as SeenDurable[] };
      const how = {
        since: new Date(Date.now() - hours * HOUR_MS),
        say: (line: string) => void notes.push(line),
      };
      const silent = await withEach(hubsOf(this.#context.layout()), async (hub) => {
        if (!(await readSeen(hub, seen, { ...how, maxRead: MAX_READ })))
          notes.push(
            `of ${hub.of} only the first ${MAX_READ} events were read; adaos events registry drift reads all`,
          );
      });
      return {
        ...seen,
        notes: [...notes, ...silent.map(({ of, reason }) => `${of} is left out: ${reason}`)],
      };
    });
  }
}

const remembered = new WeakMap<ViewerContext, Contracts>();

function contractsOf(context: ViewerContext): Contracts {
  const known = remembered.get(context) ?? new Contracts(context);
  remembered.set(context, known);
  return known;
}

function hubsOf({ servers }: Layout): Layout["servers"] {
  return servers.filter(({ of }) => of !== ROOT_DOMAIN);
}

async function list(question: string, context: ViewerContext): Promise<ContractList> {
  const contracts = contractsOf(context);
  const docs = await contracts.docs();
  const { topics, away } = await contracts.topics(docs.events.map(({ record }) => record));
  return {
    total: docs.events.length,
    registry: { folder: docs.registryDir, hash: docs.hash },
    events: searchEvents(docs.events, question).map(({ doc: { ref: event, record }, where }) => {
      const { kind, status, summary } = record;
      const { count = 0, last_seen = null } = topics.get(event) ?? {};
      return { event, kind, status, summary, ...(where === undefined ? {} : { where }), count, last_seen };
    }),
    away,
  };
}

async function one(event: string, context: ViewerContext): Promise<Contract> {
  const contracts = contractsOf(context);
  const docs = await contracts.docs();
  const { name, version } = parseEventRef(event);
  const versions = versionsOf(docs, name);
  const doc = versions.find(({ record }) => version === undefined || record.version === version);
  if (doc === undefined)
    throw new MeshError(
      "usage",
      `the registry has no ${JSON.stringify(event)}; adaos events topics lists what it has`,
    );
  const { topics } = await contracts.topics(docs.events.map(({ record }) => record));
  const { count = 0, last_seen = null, origins = [] } = topics.get(doc.ref) ?? {};
  const before = versions.find(({ record }) => record.version < doc.record.version);
  const { record, ref, description } = doc;
  const fields = shownFields(doc.fields);
  const { kind, status, summary, producers, consumers, required_headers, semantics } = record;
  return {
    event: ref,
    ...{
      name,
      version: record.version,
      kind,
      status,
      summary,
      description,
      producers,
      consumers,
      required_headers,
    },
    ...schemaVersion(doc),
    ...semantics,
    fields,
    schema: docs.shownSchema(doc),
    examples: await maskedExamples(doc, context),
    versions: versions.map((other) => ({
      event: other.ref,
      status: other.record.status,
      ...schemaVersion(other),
    })),
    ...(before === undefined
      ? {}
      : { changes: { since: before.ref, fields: fieldChanges(shownFields(before.fields), fields) } }),
    count,
    last_seen,
    origins,
  };
}

function schemaVersion({ schemaVersion: version }: EventDoc): { readonly schema_version?: string } {
  return version === undefined ? {} : { schema_version: version };
}

/** Examples are invented, and yet shown as the event would be. */
async function maskedExamples(
  { record, examples }: EventDoc,
  context: ViewerContext,
): Promise<Contract["examples"]> {
  const mask = await context.mask();
  const { name: event_name, version } = record;
  return examples.map(({ title, data }) => {
    return { title, data: mask.envelope({ event_name, version, data } as unknown as Envelope).data };
  });
}

async function drift(hours: number, event: string | undefined, context: ViewerContext): Promise<DriftAnswer> {
  const contracts = contractsOf(context);
  const docs = await contracts.docs();
  const { producers, durables, notes } = await contracts.seen(hours);
  const drifts = driftOf(
    docs.events.map(({ record }) => record),
    producers,
    durables,
  );
  if (event === undefined) return { drifts, producers: [], consumers: [], notes };
  const { name, version = 1 } = parseEventRef(event);
  const ref = formatEventRef(name, version);
  return {
    drifts: drifts.filter((found) => found.event === ref),
    producers: [...producers.of(ref)].map(([component, nodes]) => ({ component, nodes: [...nodes].sort() })),
    consumers: durables
      .filter(({ pattern }) => patternMatches(pattern, name, version))
      .map(({ node, durable, pattern }) => ({ node, durable, pattern: pattern.text })),
    notes,
  };
}

const text = z.string().max(MAX_QUESTION);

export const CONTRACT_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/contracts",
    role: "viewer",
    input: z.strictObject({ q: text.default("") }),
    answer: ({ q }, context) => list(q, context),
  }),
  route({
    method: "GET",
    path: "/api/contracts/:event",
    role: "viewer",
    input: z.strictObject({ event: text }),
    answer: ({ event }, context) => one(event, context),
  }),
  route({
    method: "GET",
    path: "/api/contracts-drift",
    role: "viewer",
    input: z.strictObject({
      hours: z.coerce.number().positive().max(MAX_HOURS).default(24),
      event: text.optional(),
    }),
    answer: ({ hours, event }, context) => drift(hours, event, context),
  }),
];
