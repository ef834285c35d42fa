import type { Envelope } from "@adaos/core";
import type { DeadLetter, ProcessingRecord } from "@adaos/core/wire";
import type { StoredMessage } from "@adaos/transport-nats";
import { z } from "zod";

/*
 * The records of members are checked before use. Servers store whatever they are sent, and one record of a hostile
 * member must not keep an operator from the others.
 */

/** Our longest is a stack of 8,000 characters. */
const text = z.string().max(20_000);
const count = z.number().nonnegative();
const category = z.enum(["transient", "permanent", "unknown"]);

const attempts = z.array(z.object({ at: text, type: text, message: text })).max(100);

export const deadLetterSchema: z.ZodType<DeadLetter> = z.object({
  kind: z.literal("run").exactOptional(),
  dead_letter_id: text,
  at: text,
  category,
  rule: text,
  error: z.object({ type: text, message: text, stack: text }),
  attempts,
  delivery_count: count,
  node: text,
  durable: text,
  stream: text,
  seq: count,
  subject: text,
  event_id: text,
  event_name: text,
  correlation_id: text,
  message: z.object({
    headers: z.record(z.string(), z.string()),
    body_base64: z.string(),
    truncated: z.literal(true).exactOptional(),
  }),
});

export const recordSchema: z.ZodType<ProcessingRecord> = z.object({
  event_id: text,
  timestamp: text,
  event_type: text,
  source: text,
  node: text,
  durable: text,
  stream: text,
  seq: count,
  status: z.enum(["pending", "success", "failed", "retrying", "dead_letter"]),
  error_info: z
    .object({
      category,
      message: text,
      type: text,
      stacktrace: text,
      context: z.record(z.string(), z.string()),
    })
    .exactOptional(),
  retry_info: z
    .object({
      count,
      max_retries: count,
      starts: count.exactOptional(),
      next_retry_at: text.exactOptional(),
      backoff_seconds: count.exactOptional(),
    })
    .exactOptional(),
  recovery_actions: z
    .array(
      z.object({
        timestamp: text,
        action: text,
        backoff_seconds: count,
        because: text.exactOptional(),
        event_id: text,
      }),
    )
    .max(100),
  attempts: attempts.exactOptional(),
  tags: z.array(text).max(100).exactOptional(),
});

/** As far as a look at an event needs it; whether it keeps its contract is its consumers' business. */
export const envelopeSchema: z.ZodType<Envelope> = z.looseObject({
  event_id: text,
  event_name: text,
}) as unknown as z.ZodType<Envelope>;

/** The head of an event of any writer: a field of another type counts as missing. */
export const headSchema: z.ZodType<Omit<Envelope, "data">> = z.object({
  event_id: text,
  event_name: text,
  version: count.int().catch(1),
  kind: z.enum(["event", "command", "reply"]).catch("event"),
  ts: text.catch(""),
  source: text.catch(""),
  correlation_id: text.catch(""),
  causation_id: text.exactOptional().catch(undefined as never),
  tenant: text.catch(""),
  headers: z.record(z.string(), z.string()).catch({}),
});

/** RFC 3339: the time of publication that the event states, or the time of storage when it states no valid one. */
export function publishedAt(ts: unknown, storedAt: string): string {
  const ms = typeof ts === "string" ? Date.parse(ts) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? storedAt : new Date(ms).toISOString();
}

/** The stored value; undefined when it does not have this shape. */
export function parseStored<T>({ body }: Pick<StoredMessage, "body">, schema: z.ZodType<T>): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
}

/** Head and data of a stored event of any writer; undefined when it is no object with an id and a name. */
export function headOf(
  message: Pick<StoredMessage, "body">,
): (Omit<Envelope, "data"> & { readonly data?: unknown }) | undefined {
  const head = parseStored(message, headSchema);
  if (head === undefined) return undefined;
  return { ...head, data: parseStored(message, z.looseObject({ data: z.unknown() }))?.data };
}
