import { decodeEnvelope } from "@adaos/core";
import { eventsStream, REPLAY_ROOT, subjectsOf } from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";

/** Ids of the dead letters that were given to their handlers again, as far as a subnet's stream still holds that. */
export async function replayedLetters({ of, connection }: OpenServer): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { body } of storedMessages(connection, eventsStream(of), subjectsOf(REPLAY_ROOT))) {
    const id = replayIdOf(body);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** Servers store whatever they are sent. */
function replayIdOf(body: Uint8Array): string | undefined {
  try {
    return decodeEnvelope(body).headers["replay_id"];
  } catch {
    return undefined;
  }
}
