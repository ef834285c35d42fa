import { formatEventRef, parseEventRef } from "@adaos/core";
import {
  type DaemonEvent,
  daemonEventId,
  firstLine,
  parseDeadLetterSubject,
  parseDeliverySubject,
} from "@adaos/core/wire";
import { z } from "zod";

/** The event that reports a dead letter. */
export const DEAD_LETTERED = "mesh.delivery.dead_lettered";

const text = z.string().min(1);

/** The part of a dead letter that is reported. */
const letterSchema = z.object({
  kind: z.literal("run").exactOptional(),
  dead_letter_id: text.max(256),
  at: z.iso.datetime(),
  error: z.object({ type: z.string(), message: z.string() }),
  attempts: z.array(z.unknown()),
  node: text,
  durable: text.max(64),
  subject: z.string(),
  event_id: z.string().max(256),
});

const MAX_REASON = 500;

/** A stored dead letter, or why no event reports it. */
export type LetterReport =
  | { readonly data: Readonly<Record<string, unknown>> & { readonly at: string } }
  | { readonly silent: string };

/**
 * What is to be reported of a dead letter. The subject says who wrote it; a letter that claims to be another's is not
 * reported. Nor is a run, which is no event, or the letter of a report: each would bring about the next. Pure.
 */
export function reportOf(subject: string, body: Uint8Array): LetterReport {
  const owner = parseDeadLetterSubject(subject);
  const letter = letterSchema.safeParse(jsonOf(body)).data;
  if (owner === undefined || letter === undefined) return { silent: "unreadable" };
  const { node, durable, kind, event_id, dead_letter_id, at, attempts, error } = letter;
  if (node !== `${owner.subnet}/${owner.node}` || durable !== owner.durable) return { silent: "of another" };
  if (kind === "run") return { silent: "of a run" };
  const event = eventOf(letter.subject);
  if (event === undefined || event_id === "") return { silent: "of no event" };
  if (parseEventRef(event).name === DEAD_LETTERED) return { silent: "of a report" };
  const reason = firstLine(error.message, MAX_REASON).slice(0, MAX_REASON).trim();
  const data = {
    ...{ dead_letter_id, node, durable, event, event_id, attempts: attempts.length },
    reason: reason === "" ? error.type.slice(0, MAX_REASON) || "no reason is known" : reason,
  };
  return { data: { ...data, at } };
}

/** @param unreported Dead letters before it that got no event of their own. */
export function letterEvent(
  { at, ...data }: { readonly at: string } & Readonly<Record<string, unknown>>,
  unreported: number,
): DaemonEvent {
  return {
    id: daemonEventId(Date.parse(at), DEAD_LETTERED, String(data["dead_letter_id"])),
    name: DEAD_LETTERED,
    data: unreported === 0 ? data : { ...data, unreported },
  };
}

function eventOf(subject: string): string | undefined {
  try {
    const { name, version } = parseDeliverySubject(subject);
    return formatEventRef(name, version);
  } catch {
    return undefined;
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
