import { eventIdWithin } from "@adaos/transport-nats";
import { z } from "zod";
import type { LinkFact, OutboxFact } from "./facts.ts";
import { linesWith } from "./numbered-lines.ts";

/*
 * What the files of this machine tell of an event. They are our own, and are read as a stranger's: their writer may be
 * a later version.
 */

const refusedSchema = z.object({
  refusedAt: z.string(),
  id: z.string(),
  subject: z.string(),
  error: z.object({ code: z.string(), message: z.string() }),
});

const linkSchema = z.object({
  link: z.string(),
  seq: z.number(),
  code: z.string(),
  reason: z.string(),
});

/** What an outbox has held, and the hub has refused for good. */
export interface RefusedMessage {
  readonly subject: string;
  readonly refused: NonNullable<OutboxFact["refused"]>;
}

/** That the hub has refused what an outbox held of this id; of several times the last. */
export async function refusedOf(file: string, id: string): Promise<RefusedMessage | undefined> {
  const [found] = (await linesWith(file, id)).toReversed().flatMap(({ text, place }) => {
    const line = parsed(text, refusedSchema);
    return line !== undefined && eventIdWithin(line.id) === id ? [{ line, place }] : [];
  });
  if (found === undefined) return undefined;
  const { error, refusedAt, subject } = found.line;
  const { code, message } = error;
  return { subject, refused: { code, message, at: refusedAt, place: found.place } };
}

/** Why a link has passed over the message at this place of its source; nothing where its log does not tell. */
export async function linkRefusal(file: string, link: string, seq: number): Promise<LinkFact["refusal"]> {
  for (const { text, place } of (await linesWith(file, "link refused an event")).toReversed()) {
    const line = parsed(text, linkSchema);
    if (line?.link === link && line.seq === seq) return { code: line.code, reason: line.reason, place };
  }
  return undefined;
}

/** What links have passed over, as far as their logs tell: `up alpha 17`. */
export async function refusedAtLinks(files: readonly string[]): Promise<ReadonlySet<string>> {
  const refused = new Set<string>();
  for (const file of files) {
    for (const { text } of await linesWith(file, "link refused an event")) {
      const line = parsed(text, linkSchema);
      if (line !== undefined) refused.add(`${line.link.replace(/^link /, "")} ${line.seq}`);
    }
  }
  return refused;
}

function parsed<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
