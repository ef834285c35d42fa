import { parseEventPattern } from "@adaos/core";
import { parseNodeAddress, ROOT_DOMAIN } from "@adaos/core/wire";
import { openWitnesses, whyQuestionOf } from "@adaos/doctor";
import {
  assembleTrace,
  decideWhy,
  gatherTrace,
  gatherWhy,
  hubServers,
  lookUpEvent,
  maskKnown,
  type RecentEvent,
  recentEvents,
  traceAsOtlp,
  withEach,
} from "@adaos/operations";
import { serverOf } from "@adaos/provision";
import { z } from "zod";
import type { Away, EventKnown, EventSearch, EventTrace, EventWhy } from "../../api/event.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { sinceInput } from "./times.ts";

const DAY_MS = 86_400_000;
const SEARCH_ROWS = 100;
/** A correlation id may be any text that its writer has chosen. */
const idInput = z.string().min(1).max(1024);
const nodeInput = z.string().max(200).optional();
const traceInput = z.strictObject({ id: idInput, since: sinceInput.optional() });

export const EVENT_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/event/trace",
    role: "viewer",
    input: traceInput,
    answer: ({ id, since }, context) => traceOf(context, id, since),
  }),
  route({
    method: "GET",
    path: "/api/event/otlp",
    role: "viewer",
    input: traceInput,
    answer: async ({ id, since }, context) => traceAsOtlp((await traceOf(context, id, since)).trace),
  }),
  route({
    method: "GET",
    path: "/api/event/known",
    role: "viewer",
    input: z.strictObject({ id: idInput }),
    async answer({ id }, context): Promise<EventKnown> {
      const { known, away } = await lookUpEvent(hubServers(context.layout(), undefined), id);
      const shown = maskKnown(known, await context.mask());
      const { event } = shown;
      const bytes = event === null ? null : Buffer.byteLength(JSON.stringify(event.envelope));
      return { known: shown, bytes, away: awayOf(away) };
    },
  }),
  route({
    method: "GET",
    path: "/api/event/search",
    role: "viewer",
    input: z.strictObject({
      name: z.string().max(200).default("*"),
      at: z.string().max(100).optional(),
      from: nodeInput,
      since: sinceInput.default(() => Date.now() - 3_600_000),
    }),
    answer: search,
  }),
  route({
    method: "GET",
    path: "/api/event/why",
    role: "viewer",
    input: z.strictObject({ event: idInput, from: nodeInput, to: nodeInput, since: sinceInput.optional() }),
    answer: why,
  }),
];

async function traceOf(
  context: ViewerContext,
  id: string,
  sinceMs: number = Date.now() - DAY_MS,
): Promise<EventTrace> {
  const { away, isCut, ...facts } = await gatherTrace(context.layout().servers, id, sinceMs);
  return { trace: assembleTrace(facts), isCut, away: awayOf(away) };
}

async function search(
  {
    name,
    at,
    from,
    since: sinceMs,
  }: { name: string; at?: string | undefined; from?: string | undefined; since: number },
  context: ViewerContext,
): Promise<EventSearch> {
  const pattern = parseEventPattern(name);
  const origin = from === undefined ? undefined : parseNodeAddress(from);
  const layout = context.layout();
  const hubs = layout.servers.filter(({ of }) => of !== ROOT_DOMAIN);
  const servers = at === undefined ? (hubs.length > 0 ? hubs : layout.servers) : [serverOf(layout, at)];
  const found: RecentEvent[] = [];
  let isCut = false;
  const away = await withEach(servers, async (server) => {
    const asked = { pattern, from: origin, sinceMs, limit: SEARCH_ROWS };
    const { events, isCut: isShort } = await recentEvents(server, asked);
    found.push(...events);
    isCut ||= isShort;
  });
  const events = newestOfEach(found);
  const shown = events.slice(0, SEARCH_ROWS);
  return { events: shown, isCut: isCut || shown.length < events.length, away: awayOf(away) };
}

/** Newest first. An event that several subnets hold is one row: where it was stored first. */
function newestOfEach(found: readonly RecentEvent[]): RecentEvent[] {
  const first = new Map<string, RecentEvent>();
  for (const event of found) {
    const known = first.get(event.event_id);
    if (known === undefined || event.stored_at < known.stored_at) first.set(event.event_id, event);
  }
  return [...first.values()].sort((a, b) => (a.stored_at < b.stored_at ? 1 : -1));
}

async function why(
  asked: { event: string; from?: string | undefined; to?: string | undefined; since?: number | undefined },
  { stateDir, layout }: ViewerContext,
): Promise<EventWhy> {
  const { event, from, to, since: sinceMs } = asked;
  const witnesses = await openWitnesses(stateDir);
  const question = whyQuestionOf(event, { from, to, sinceMs }, witnesses);
  const { facts, away } = await gatherWhy(layout().servers, question, witnesses);
  const [first] = facts;
  return {
    about:
      first === undefined
        ? null
        : {
            ref: `${first.event.name}@${first.event.version}`,
            id: first.event.id ?? null,
            from: first.from,
            since: first.since,
          },
    verdicts: facts.flatMap(decideWhy),
    away: awayOf(away),
  };
}

function awayOf(away: readonly Away[]): Away[] {
  return away.map(({ of, reason }) => ({ of, reason }));
}
