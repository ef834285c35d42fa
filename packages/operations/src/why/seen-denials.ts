import { parseEventPattern } from "@adaos/core";
import { eventsStream, POLICY_DENIED, parseSubject, patternToFilter } from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import { z } from "zod";
import type { OpenServer } from "../hubs.ts";
import { parseStored } from "../stored/parse-stored.ts";
import type { SeenDenial } from "./facts.ts";

/** The maximum of denials that are read from one subnet's stream. */
const MAX_DENIALS = 2000;
/** The nodes whose reports of denials count. */
const TELLERS: ReadonlySet<string> = new Set(["hub", "root"]);

const DENIED = parseEventPattern(`${POLICY_DENIED}@1`);

const text = z.string().max(1000);
const deniedSchema = z.object({
  data: z.object({
    hop: z.enum(["publish", "subscribe", "reply", "export", "import"]),
    node: text,
    event: text,
    from: text.optional(),
    event_id: text.optional(),
    rule: text,
    reason: text,
    count: z.number().int().positive().optional(),
    since: text,
  }),
});

/** The denials in a subnet that its hub and the root have reported since a time, oldest first. */
export async function seenDenials({ of, connection }: OpenServer, sinceMs: number): Promise<SeenDenial[]> {
  const found: SeenDenial[] = [];
  const subject = patternToFilter(DENIED, { subnet: of });
  const from = { time: new Date(sinceMs) };
  for await (const message of storedMessages(connection, eventsStream(of), subject, from, MAX_DENIALS)) {
    if (!TELLERS.has(parseSubject(message.subject).node)) continue;
    const told = parseStored(message, deniedSchema)?.data;
    if (told === undefined) continue;
    const { hop, node, event, from: origin, event_id: eventId, rule, reason, count, since } = told;
    found.push({ hop, node, event, from: origin, eventId, rule, reason, count, since });
  }
  return found;
}
