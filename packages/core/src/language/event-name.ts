import { MeshError } from "./errors.ts";
import { RecentMap } from "./recent-map.ts";
import { visibleJson } from "./visible-text.ts";

/** Longest event name in characters; keeps subjects far below the server's line limit. */
export const MAX_EVENT_NAME_LENGTH = 200;

const TOKEN = /^[a-z][a-z0-9_-]*$/;
/** The version token that ends a subject; a name may not contain it. */
const VERSION_TOKEN = /^v[0-9]+$/;

/** An event name and, where given, its major version. */
export interface EventRef {
  readonly name: string;
  readonly version: number | undefined;
}

/** Names that passed the check: every event has one, and there are few. */
const right = new RecentMap<string, true>(1000);

/** The problem of an event name, or undefined. A name has 2 to 8 lower-case tokens joined by dots. */
export function eventNameProblem(name: string): string | undefined {
  if (right.get(name) === true) return undefined;
  const problem = problemOf(name);
  if (problem === undefined) right.set(name, true);
  return problem;
}

function problemOf(name: string): string | undefined {
  if (name.length > MAX_EVENT_NAME_LENGTH) return `is longer than ${MAX_EVENT_NAME_LENGTH} characters`;
  const tokens = name.split(".");
  if (tokens.length < 2 || tokens.length > 8)
    return `needs 2 to 8 tokens joined by dots, has ${tokens.length}`;
  return tokensProblem(tokens);
}

/** The problem of the tokens of an event name or prefix, or undefined. */
export function tokensProblem(tokens: readonly string[]): string | undefined {
  for (const token of tokens) {
    if (!TOKEN.test(token)) {
      return `has the token ${JSON.stringify(token.slice(0, 64))}; tokens are a-z, then a-z 0-9 _ -`;
    }
    if (VERSION_TOKEN.test(token)) return `has the token "${token}"; write the version as @${token.slice(1)}`;
  }
  return undefined;
}

/** Throws `invalid-event` unless `name` is an event name. */
export function assertEventName(name: string): void {
  const problem = eventNameProblem(name);
  if (problem !== undefined) throw new MeshError("invalid-event", `event name ${quote(name)} ${problem}`);
}

/** Parses `nlp.intent.detected` or `nlp.intent.detected@1`. Throws `invalid-event`. */
export function parseEventRef(text: string): EventRef {
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  assertEventName(name);
  return { name, version: at < 0 ? undefined : parseVersion(text.slice(at + 1), text) };
}

/** Parses a major version: a positive integer below 10000. */
export function parseVersion(text: string, within: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) {
    throw new MeshError("invalid-event", `version in ${quote(within)} must be 1 to 9999, got ${quote(text)}`);
  }
  return Number(text);
}

export function formatEventRef(name: string, version: number): string {
  return `${name}@${version}`;
}

/** For messages: quoted, escaped, cut to 80 characters. */
export function quote(text: string): string {
  return visibleJson(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
