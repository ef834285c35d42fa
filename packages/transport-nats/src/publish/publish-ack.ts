import { MeshError } from "@adaos/core";
import type { Msg } from "nats";
import { plainText } from "../pull/consumer-state.ts";

/** The server's answer to a write, or the fact that there was none. */
export type Ack =
  | {
      readonly kind: "stored";
      readonly stream: string;
      readonly seq: number;
      readonly duplicate: boolean;
      /** How many messages of a batch are stored, from the first on. */
      readonly count?: number;
    }
  /** No answer: it may or may not be stored. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** Certainly not stored now; a retry may succeed. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "denied"; readonly subject: string }
  | { readonly kind: "failed"; readonly error: MeshError };

interface AckJson {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly count?: number;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

/** Error codes of a stream that has reached one of its limits (nats-server 2.15, `discard: new`). */
export const FULL: ReadonlySet<number> = new Set([10077, 10047, 10023]);

/** An acknowledgement holds a name and three numbers. */
const MAX_ACK_BYTES = 16_384;

/** Reads a JetStream publish acknowledgement. */
export function parseAck(msg: Msg): Ack {
  if (msg.headers?.code === 503)
    return { kind: "unavailable", reason: "no stream answers there; is its hub up?" };
  let json: AckJson | null;
  try {
    json = msg.data.length > MAX_ACK_BYTES ? null : msg.json<AckJson | null>();
  } catch (cause) {
    return noAck(cause);
  }
  // The server may belong to somebody else, and may answer anything.
  if (typeof json !== "object" || json === null || Array.isArray(json) || json.error === null) return noAck();
  if (json.error === undefined) {
    // Every server reports at least the stream and the place.
    if (typeof json.stream !== "string" || !Number.isSafeInteger(json.seq)) return noAck();
    return {
      kind: "stored",
      stream: json.stream,
      seq: json.seq ?? 0,
      duplicate: json.duplicate === true,
      ...(Number.isSafeInteger(json.count) ? { count: json.count as number } : {}),
    };
  }
  const { code = 0, err_code: errCode = 0 } = json.error;
  const description = plainText(json.error.description) || "no description";
  if (FULL.has(errCode)) {
    const message = `the stream is full (${description}); it refuses rather than drop what it holds`;
    return { kind: "failed", error: new MeshError("backpressure", message) };
  }
  // 429: all clients together sent too much at once; the server stored nothing of it.
  if (code === 503 || code === 408 || code === 429) return { kind: "unavailable", reason: description };
  const meaning = errCode === 10054 ? "too-large" : "internal";
  return {
    kind: "failed",
    error: new MeshError(
      meaning,
      `the server refused to store it: ${description} (${Number.isSafeInteger(errCode) ? errCode : 0})`,
    ),
  };
}

function noAck(cause?: unknown): Ack {
  return {
    kind: "failed",
    error: new MeshError("internal", "the server's answer is not an acknowledgement", { cause }),
  };
}
