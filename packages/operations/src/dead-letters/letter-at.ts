import { MeshError } from "@adaos/core";
import { deadLetterStream, parkedStream, parseParkedSubject } from "@adaos/core/wire";
import { storedMessageAt } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { deadLetters, type KeptDeadLetter, ownLetter } from "./dead-letters.ts";

/**
 * The dead letter at a place of a hub: `17`, or `parked-3` of an event that waits for its schema. Rejects with `usage`
 * when there is none.
 */
export async function letterAt(hub: OpenServer, place: string): Promise<KeptDeadLetter> {
  const [, parked, digits = ""] = /^(parked-)?(\d{1,15})$/.exec(place) ?? [];
  const seq = Number(digits);
  const found =
    digits === "" || seq < 1 ? undefined : await (parked === undefined ? failedAt : parkedAt)(hub, seq);
  if (found !== undefined) return found;
  throw new MeshError("usage", `${hub.of} has no dead letter at ${place}; it was replayed or deleted`);
}

async function failedAt(hub: OpenServer, seq: number): Promise<KeptDeadLetter | undefined> {
  const message = await storedMessageAt(hub.connection, deadLetterStream(hub.of), { seq });
  return message === undefined ? undefined : ownLetter(hub.of, message);
}

async function parkedAt(hub: OpenServer, seq: number): Promise<KeptDeadLetter | undefined> {
  const stream = parkedStream(hub.of);
  const wait = await storedMessageAt(hub.connection, stream, { seq });
  const told = wait === undefined ? undefined : parseParkedSubject(wait.subject);
  if (told?.kind !== "wait") return undefined;
  const filter = { node: `${hub.of}/${told.node}`, durable: told.durable };
  for await (const letter of deadLetters(hub, filter))
    if (letter.stream === stream && letter.kept === seq) return letter;
  return undefined;
}
