import { constants } from "node:os";
import { MeshError, type MeshErrorCode } from "../language/errors.ts";

/** Whether time alone can cure a failure. */
export type FailureCategory = "transient" | "permanent" | "unknown";

export interface Classification {
  readonly category: FailureCategory;
  /** The rule that decided, for the record: `typed`, `http 503`, `ECONNRESET`, `TypeError` … */
  readonly rule: string;
  /** Wait that the failure itself asks for. */
  readonly retryAfterMs?: number;
}

/** A rule of the user's own; asked first, in order. Undefined means that the rule does not apply. */
export type ClassifyRule = (error: unknown) => FailureCategory | undefined;

/** A handler that throws this asks for another attempt. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  /** @default what the retry policy says */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A handler that throws this says that no further attempt can help. */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}

/** A full disk may have room again, once a person has looked. */
export const DISK_FULL = "ENOSPC";
/** Node's error codes of failures that may pass in a moment, and the time limits of `fetch`. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EPIPE",
  "EAI_AGAIN",
  "ENOTFOUND",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EMFILE",
  "ENFILE",
  "EBUSY",
  DISK_FULL,
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);
const PERMANENT_CODES: ReadonlySet<string> = new Set(["ENOENT", "EACCES"]);
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  ...Object.keys(constants.errno),
  ...TRANSIENT_CODES,
  ...PERMANENT_CODES,
]);
/** HTTP answers below 500 that ask for patience: RFC 9110 (408), RFC 8470 (425), RFC 6585 (429). */
const PATIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);
/**
 * `closed` too: a handler that publishes while its process stops has done nothing wrong; the next process takes over.
 */
const TRANSIENT_MESH_CODES: ReadonlySet<MeshErrorCode> = new Set([
  "timeout",
  "unavailable",
  "backpressure",
  "closed",
]);
const CATEGORIES: ReadonlySet<unknown> = new Set<FailureCategory>(["transient", "permanent", "unknown"]);
const ABORT_NAMES: ReadonlySet<string> = new Set(["AbortError", "TimeoutError"]);
/** Deepest chain of causes that is looked into. */
const MAX_CAUSES = 5;

/**
 * Says whether time can cure a failure; the most specific rule wins. Looks into causes too: `fetch` hides the refused
 * connection behind a TypeError. Pure but for `nowMs`, which an HTTP date in Retry-After needs.
 */
export function classify(
  error: unknown,
  rules: readonly ClassifyRule[] = [],
  nowMs: number = Date.now(),
): Classification {
  for (const [i, rule] of rules.entries()) {
    const category = askRule(rule, error);
    if (category !== undefined) return { category, rule: `user rule ${i}` };
  }
  const chain = causesOf(error);
  for (const decide of [byType, byStatus, byCode, byName]) {
    for (const link of chain) {
      const found = decide(link, nowMs);
      if (found !== undefined) return found;
    }
  }
  // The root decides: `fetch` reports every failure of the network as a TypeError with a cause.
  return byProgramming(chain.at(-1)) ?? { category: "unknown", rule: "none" };
}

/** A rule that throws or says nonsense is not of use here; the event is no worse for it. */
function askRule(rule: ClassifyRule, error: unknown): FailureCategory | undefined {
  try {
    const category = rule(error);
    return CATEGORIES.has(category) ? category : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The code by which Node names a failure of the system, or `fetch` one of the network, in an error or in its causes.
 * Other codes may be anything that a program has written there. Pure.
 */
export function systemCodeOf(error: unknown): string | undefined {
  const codes = causesOf(error).map((link) => field(link, "code"));
  return codes.find((code): code is string => typeof code === "string" && SYSTEM_CODES.has(code));
}

function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (
    let link = error;
    link !== undefined && link !== null && chain.length < MAX_CAUSES;
    link = causeOf(link)
  ) {
    chain.push(link);
  }
  return chain;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function byType(error: unknown): Classification | undefined {
  if (error instanceof RetryableError) return withWait("transient", "typed", error.retryAfterMs);
  if (error instanceof NonRetryableError) return { category: "permanent", rule: "typed" };
  if (!(error instanceof MeshError)) return undefined;
  return {
    category: TRANSIENT_MESH_CODES.has(error.code) ? "transient" : "permanent",
    rule: `mesh ${error.code}`,
  };
}

function byStatus(error: unknown, nowMs: number): Classification | undefined {
  const response = field(error, "response");
  const status = field(error, "status") ?? field(error, "statusCode") ?? field(response, "status");
  if (typeof status !== "number" || !Number.isInteger(status) || status < 400 || status > 599)
    return undefined;
  if (status < 500 && !PATIENT_STATUS.has(status)) return { category: "permanent", rule: `http ${status}` };
  const headers = field(error, "headers") ?? field(response, "headers");
  return withWait("transient", `http ${status}`, retryAfterOf(headers, nowMs));
}

function byCode(error: unknown): Classification | undefined {
  const code = field(error, "code");
  if (typeof code !== "string") return undefined;
  if (TRANSIENT_CODES.has(code)) return { category: "transient", rule: code };
  if (PERMANENT_CODES.has(code)) return { category: "permanent", rule: code };
  return undefined;
}

function byName(error: unknown): Classification | undefined {
  const name = field(error, "name");
  return typeof name === "string" && ABORT_NAMES.has(name)
    ? { category: "transient", rule: name }
    : undefined;
}

/** Mistakes in code or data, which the next attempt would make again. */
function byProgramming(error: unknown): Classification | undefined {
  for (const type of [TypeError, SyntaxError, RangeError]) {
    if (error instanceof type) return { category: "permanent", rule: type.name };
  }
  return undefined;
}

function withWait(category: FailureCategory, rule: string, retryAfterMs: number | undefined): Classification {
  return retryAfterMs === undefined ? { category, rule } : { category, rule, retryAfterMs };
}

/** Retry-After in seconds or as an HTTP date (RFC 9110, section 10.2.3), from a Headers object or a plain one. */
function retryAfterOf(headers: unknown, nowMs: number): number | undefined {
  const value =
    headers instanceof Headers
      ? headers.get("retry-after")
      : (field(headers, "retry-after") ?? field(headers, "Retry-After"));
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  if (String(value).trim() === "") return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1000 : undefined;
  const atMs = Date.parse(String(value));
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function field(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) return undefined;
  try {
    return (holder as Record<string, unknown>)[name];
  } catch {
    // A getter of unknown code may throw: a report of an error must not fail because of it.
    return undefined;
  }
}
