import {
  MESH_ERROR_CODES,
  MeshError,
  type MeshErrorCode,
  NonRetryableError,
  RetryableError,
} from "@adaos/core";
import type { ToldError } from "../protocol/messages.ts";

const CODES: ReadonlySet<string> = new Set(MESH_ERROR_CODES);
const PROGRAMMING = { TypeError, SyntaxError, RangeError } as const;

/** The error of a skill's handler as the mesh's rules classify it, as if the handler had run in the daemon. Pure. */
export function errorOfSkill(told: ToldError): Error {
  const { message, stack } = told;
  const error = typed(told);
  // Its own stack names the skill's lines, which is what its author needs.
  error.stack = stack ?? `${told.name}: ${message}`;
  return error;
}

function typed({ name, message, code, status, retryable, retry_after_ms: retryAfterMs }: ToldError): Error {
  const isAsked = retryable === true || name === "RetryableError";
  if (isAsked) return new RetryableError(message, retryAfterMs === undefined ? {} : { retryAfterMs });
  if (retryable === false || name === "NonRetryableError") return new NonRetryableError(message);
  if (name === "MeshError" && code !== undefined && CODES.has(code))
    return new MeshError(code as MeshErrorCode, message);
  const Type = Object.hasOwn(PROGRAMMING, name) ? PROGRAMMING[name as keyof typeof PROGRAMMING] : Error;
  const error = new Type(message);
  if (Type === Error) error.name = name;
  return Object.assign(error, code === undefined ? {} : { code }, status === undefined ? {} : { status });
}
