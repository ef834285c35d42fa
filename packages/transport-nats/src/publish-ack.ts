import { MeshError } from "@adaos/core";
import type { Msg } from "nats";

/** The server's answer to a write, or that there was none. */
export type Ack =
  | { readonly kind: "stored"; readonly stream: string; readonly seq: number; readonly duplicate: boolean }
  /** No answer: it may or may not be stored. */
  | { readonly kind: "unknown"; readonly reason: string }
  /** Certainly not stored now; may be later. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "denied"; readonly subject: string }
  | { readonly kind: "failed"; readonly error: MeshError };

interface AckJson {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

/** Error codes of a stream that is at one of its limits (nats-server 2.15, `discard: new`). */
const FULL: ReadonlySet<number> = new Set([10077, 10047, 10023]);

/** Reads a JetStream publish acknowledgement. */
export function parseAck(msg: Msg): Ack {
  if (msg.headers?.code === 503)
    return { kind: "unavailable", reason: "no stream answers there; is its hub up?" };
  let json: AckJson;
  try {
    json = msg.json<AckJson>();
  } catch (cause) {
    return {
      kind: "failed",
      error: new MeshError("internal", "the server's acknowledgement is not JSON", { cause }),
    };
  }
  if (json.error === undefined) {
    return {
      kind: "stored",
      stream: json.stream ?? "",
      seq: json.seq ?? 0,
      duplicate: json.duplicate === true,
    };
  }
  const { code = 0, err_code: errCode = 0, description = "no description" } = json.error;
  if (FULL.has(errCode)) {
    const message = `the stream is full (${description}); it refuses rather than drop what it holds`;
    return { kind: "failed", error: new MeshError("backpressure", message) };
  }
  // 429: too much at once from everybody together; nothing of it was stored.
  if (code === 503 || code === 408 || code === 429) return { kind: "unavailable", reason: description };
  const meaning = errCode === 10054 ? "too-large" : "internal";
  return {
    kind: "failed",
    error: new MeshError(meaning, `the server refused to store it: ${description} (${errCode})`),
  };
}
