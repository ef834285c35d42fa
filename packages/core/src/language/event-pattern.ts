import { MeshError } from "./errors.ts";
import { eventNameProblem, MAX_EVENT_NAME_LENGTH, parseVersion, quote, tokensProblem } from "./event-name.ts";

/**
 * The events of a rule or a subscription: `nlp.intent.detected@1` matches one version, `nlp.intent.detected` every
 * version, `nlp.` every event below, `*` all.
 */
export interface EventPattern {
  readonly text: string;
  readonly kind: "all" | "prefix" | "name";
  /** `""` for all, `nlp.` for a prefix, else the event name. */
  readonly stem: string;
  readonly version: number | undefined;
}

/** Parses a pattern. Throws `usage` with the problem; callers add the file's name. */
export function parseEventPattern(text: string): EventPattern {
  if (text === "*") return { text, kind: "all", stem: "", version: undefined };
  if (text.endsWith(".")) {
    const problem = prefixProblem(text);
    if (problem !== undefined) throw patternError(text, problem);
    return { text, kind: "prefix", stem: text, version: undefined };
  }
  const at = text.indexOf("@");
  const name = at < 0 ? text : text.slice(0, at);
  const problem = eventNameProblem(name);
  if (problem !== undefined) throw patternError(text, problem);
  return { text, kind: "name", stem: name, version: at < 0 ? undefined : versionOf(text, at) };
}

function prefixProblem(text: string): string | undefined {
  // No event name is longer: a longer prefix would only burden the servers' configs.
  if (text.length > MAX_EVENT_NAME_LENGTH) return `is longer than ${MAX_EVENT_NAME_LENGTH} characters`;
  const tokens = text.slice(0, -1).split(".");
  return tokens.length > 7 ? "has more than 7 tokens" : tokensProblem(tokens);
}

function versionOf(text: string, at: number): number {
  try {
    return parseVersion(text.slice(at + 1), text);
  } catch (cause) {
    throw patternError(text, "has a version that is not 1 to 9999", cause);
  }
}

function patternError(text: string, problem: string, cause?: unknown): MeshError {
  return new MeshError(
    "usage",
    `event pattern ${quote(text)} ${problem}; write an event (ui.notify), one version of it (ui.notify@1), a prefix with its dot (ui.) or *`,
    cause === undefined ? {} : { cause },
  );
}

/** Whether the pattern matches this event. */
export function patternMatches(pattern: EventPattern, name: string, version: number): boolean {
  if (pattern.kind === "all") return true;
  if (pattern.kind === "prefix") return name.startsWith(pattern.stem);
  return name === pattern.stem && (pattern.version === undefined || pattern.version === version);
}

/** Whether `outer` matches every event that `inner` matches. */
export function patternCovers(outer: EventPattern, inner: EventPattern): boolean {
  if (outer.kind === "all") return true;
  if (inner.kind === "all") return false;
  if (outer.kind === "prefix") return inner.stem.startsWith(outer.stem);
  if (inner.kind === "prefix") return false;
  return outer.stem === inner.stem && (outer.version === undefined || outer.version === inner.version);
}

/** Drops patterns that another pattern covers: a consumer may not have overlapping filters. */
export function minimalPatterns(patterns: readonly EventPattern[]): EventPattern[] {
  return patterns.filter(
    (pattern, i) =>
      !patterns.some(
        (other, j) => i !== j && patternCovers(other, pattern) && !(patternCovers(pattern, other) && i < j),
      ),
  );
}
