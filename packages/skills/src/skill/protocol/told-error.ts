import type { ToldError } from "./messages.ts";

const MAX_MESSAGE = 4096;
const MAX_STACK = 8192;

/** An error in the form in which it crosses the border between skill and daemon. Pure; loads nothing. */
export function toldError(thrown: unknown): ToldError {
  if (!(thrown instanceof Error)) return { name: "Error", message: textOf(thrown).slice(0, MAX_MESSAGE) };
  const { code, status, statusCode, retryable, retryAfterMs } = thrown as unknown as Record<string, unknown>;
  const cause = thrown.cause as { code?: unknown } | undefined;
  const named = typeof code === "string" ? code : cause?.code;
  const number = typeof status === "number" ? status : statusCode;
  return {
    name: textOf(thrown.name).slice(0, 100),
    message: textOf(thrown.message).slice(0, MAX_MESSAGE),
    ...(typeof named === "string" ? { code: named.slice(0, 100) } : {}),
    ...(typeof number === "number" ? { status: number } : {}),
    ...(typeof thrown.stack === "string" ? { stack: thrown.stack.slice(0, MAX_STACK) } : {}),
    ...(typeof retryable === "boolean" ? { retryable } : {}),
    ...(typeof retryAfterMs === "number" ? { retry_after_ms: retryAfterMs } : {}),
  };
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    // An object without a text of its own: a report of an error must not fail because of it.
    return "an error without a text";
  }
}
