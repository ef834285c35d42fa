import { MeshError } from "@adaos/core";

/** The fill of a stream, in total and by subnet. */
export interface StreamFill {
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Bytes by subnet. */
  readonly held: ReadonlyMap<string, number>;
  /** By the hub's clock, milliseconds since the epoch; a hub of an older version leaves it out. */
  readonly nowMs?: number;
}

/** A mesh of a thousand subnets needs a third of this. */
const MAX_ANSWER_BYTES = 131_072;

/**
 * Reads a hub's answer about its stream, and ignores unknown subnets. Throws `invalid-event` for any other message.
 * Pure.
 */
export function parseFill(body: Uint8Array, subnets: readonly string[]): StreamFill {
  if (body.length > MAX_ANSWER_BYTES) throw noFill();
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw noFill(cause);
  }
  if (!isRecord(answer) || !isRecord(answer["held"])) throw noFill();
  const { maxBytes, usedBytes, held, nowMs } = answer;
  if (!isCount(maxBytes) || !isCount(usedBytes)) throw noFill();
  const known = new Map<string, number>();
  for (const subnet of subnets) {
    const bytes = Object.hasOwn(held as object, subnet) ? (held as Record<string, unknown>)[subnet] : 0;
    if (!isCount(bytes)) throw noFill();
    if (bytes > 0) known.set(subnet, bytes);
  }
  return { maxBytes, usedBytes, held: known, ...(isCount(nowMs) ? { nowMs } : {}) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return (
    typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= Number.MAX_SAFE_INTEGER
  );
}

function noFill(cause?: unknown): MeshError {
  return new MeshError("invalid-event", "the hub does not say how full its stream is", { cause });
}
