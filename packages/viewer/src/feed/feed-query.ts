import { parseDuration } from "@adaos/config";
import { type EventPattern, MeshError, parseEventPattern } from "@adaos/core";
import { minimalPatterns, originTokenProblem, quote, ROOT_DOMAIN } from "@adaos/core/wire";
import { MAX_PLACES, type Position, parsePositions } from "./positions.ts";

/** Events a second that a reader is sent at most, unless it asks for another number. */
export const DEFAULT_EVENTS_PER_S = 200;
export const MAX_EVENTS_PER_S = 1000;
const MAX_PATTERNS = 32;
const MAX_FIELDS = 8;
const MAX_TEXT_CHARS = 256;

/** `data.room=desk`: the place in the envelope, and the value there as text. */
export interface FieldFilter {
  readonly path: readonly string[];
  readonly value: string;
}

/** What a reader of the feed asks for. */
export interface FeedQuery {
  readonly places: readonly string[];
  /** No place was named: an imported event is sent from the stream of its own subnet alone. */
  readonly leavesOutCopies: boolean;
  /** Empty: every event. */
  readonly patterns: readonly EventPattern[];
  readonly origin: { readonly subnet: string; readonly node?: string } | undefined;
  readonly tenant: string | undefined;
  readonly correlation: string | undefined;
  /** In lower case. */
  readonly text: string | undefined;
  readonly fields: readonly FieldFilter[];
  /** Where a reader goes on that was here before. */
  readonly after: ReadonlyMap<string, Position> | undefined;
  readonly sinceMs: number | undefined;
  readonly eventsPerSecond: number;
}

/** `token` has been looked at before. */
const KEYS: ReadonlySet<string> = new Set([
  ...["at", "pattern", "origin", "tenant", "correlation", "text", "field", "after", "since", "rate", "token"],
]);

/**
 * Parses the query of the feed's address. Throws `usage`. Pure.
 * @param known The streams that can be read here.
 * @param lastId The place that a browser remembers, which asks with the same address again.
 */
export function parseFeedQuery(
  params: URLSearchParams,
  known: readonly string[],
  lastId: string | undefined,
): FeedQuery {
  for (const key of params.keys())
    if (!KEYS.has(key)) throw new MeshError("usage", `the feed has no filter ${quote(key)}`);
  const named = [...new Set(params.getAll("at"))];
  const strange = named.find((at) => !known.includes(at));
  if (strange !== undefined)
    throw new MeshError("usage", `no stream of ${quote(strange)} is here; there are ${known.join(", ")}`);
  const after = lastId ?? one(params, "after");
  return {
    places: (named.length > 0 ? named : placesOf(known)).slice(0, MAX_PLACES),
    leavesOutCopies: named.length === 0,
    patterns: patternsOf(params.getAll("pattern")),
    origin: originOf(one(params, "origin")),
    tenant: one(params, "tenant"),
    correlation: one(params, "correlation"),
    text: one(params, "text")?.toLowerCase(),
    fields: fieldsOf(params.getAll("field")),
    after: after === undefined ? undefined : parsePositions(after),
    sinceMs: sinceOf(one(params, "since")),
    eventsPerSecond: rateOf(one(params, "rate")),
  };
}

/** Every subnet here; the root's stream holds their exported events once more, so it is read where it is alone. */
function placesOf(known: readonly string[]): readonly string[] {
  const subnets = known.filter((at) => at !== ROOT_DOMAIN);
  return subnets.length > 0 ? subnets : known;
}

function one(params: URLSearchParams, key: string): string | undefined {
  const [value, ...more] = params.getAll(key);
  if (more.length > 0) throw new MeshError("usage", `${key} is given once`);
  // An id names every stream.
  const most = key === "after" ? MAX_PLACES * 80 : MAX_TEXT_CHARS;
  if (value !== undefined && value.length > most)
    throw new MeshError("usage", `${key} has at most ${most} characters`);
  return value === "" ? undefined : value;
}

function patternsOf(texts: readonly string[]): readonly EventPattern[] {
  if (texts.length > MAX_PATTERNS)
    throw new MeshError("usage", `a reader has at most ${MAX_PATTERNS} patterns`);
  return minimalPatterns(texts.filter((text) => text !== "").map(parseEventPattern));
}

function originOf(text: string | undefined): FeedQuery["origin"] {
  if (text === undefined) return undefined;
  const [subnet = "", node, ...rest] = text.split("/");
  const isWrong = [subnet, ...(node === undefined ? [] : [node])].some(
    (token) => originTokenProblem(token) !== undefined,
  );
  if (isWrong || rest.length > 0)
    throw new MeshError(
      "usage",
      `origin is a subnet or a node of one, like alpha/kitchen; got ${quote(text)}`,
    );
  return node === undefined ? { subnet } : { subnet, node };
}

function fieldsOf(texts: readonly string[]): readonly FieldFilter[] {
  const given = texts.filter((text) => text !== "");
  if (given.length > MAX_FIELDS) throw new MeshError("usage", `a reader has at most ${MAX_FIELDS} fields`);
  return given.map((text) => {
    const at = text.indexOf("=");
    if (at <= 0 || text.length > MAX_TEXT_CHARS)
      throw new MeshError("usage", `field is like data.room=desk, of at most ${MAX_TEXT_CHARS} characters`);
    return { path: text.slice(0, at).split("."), value: text.slice(at + 1) };
  });
}

function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new MeshError("usage", "since is like 30s, 10m, 2h or 7d");
  return ms;
}

function rateOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_EVENTS_PER_S;
  const rate = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (rate >= 1) return Math.min(rate, MAX_EVENTS_PER_S);
  throw new MeshError("usage", `rate is a number of events a second, 1 to ${MAX_EVENTS_PER_S}`);
}
