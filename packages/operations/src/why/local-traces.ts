import { eventIdWithin } from "@adaos/transport-nats";
import { z } from "zod";
import type { LinkFact, OutboxFact } from "./facts.ts";
import { linesWith } from "./numbered-lines.ts";

/*
 * The facts of an event in the files of this machine. These files are our own, but are checked like a stranger's: a
 * later version may have written them.
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

/** A message of an outbox that the hub has refused for good. */
export interface RefusedMessage {
  readonly subject: string;
  readonly refused: NonNullable<OutboxFact["refused"]>;
}

/** The hub's refusal of an outbox message with this id; the last one of several. */
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

/** Why a link has refused the message at this place of its source; undefined when its log does not say. */
export async function linkRefusal(file: string, link: string, seq: number): Promise<LinkFact["refusal"]> {
  for (const { text, place } of (await linesWith(file, "link refused an event")).toReversed()) {
    const line = parsed(text, linkSchema);
    if (line?.link === link && line.seq === seq) return { code: line.code, reason: line.reason, place };
  }
  return undefined;
}

/** The events that links have refused, as far as their logs report it: `up alpha 17`. */
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
