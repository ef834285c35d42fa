import { decodeEnvelope } from "@adaos/core";
import {
  type DeadLetter,
  eventsStream,
  parseReplayTarget,
  REPLAY_ROOT,
  replayEventId,
  subjectsOf,
} from "@adaos/core/wire";
import { type StoredMessage, storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";

/** The fields of a dead letter that tell its replay. */
type Replayed = Pick<DeadLetter, "at" | "dead_letter_id" | "node" | "durable">;

/**
 * The replays that streams still hold. A member chooses the ids of its dead letters: one that names another's id must
 * not pass for its replay, so the durable is compared too. A durable that was set back may leave a dead letter of the
 * same id anew; its replay has another event id.
 */
export class StoredReplays {
  readonly #byLetter = new Map<string, string[]>();
  readonly #keys = new Set<string>();

  /** @param subnet Where it is stored. */
  add(subnet: string, { subject, body }: Pick<StoredMessage, "subject" | "body">): void {
    // Servers store whatever they are sent.
    try {
      const { event_id: eventId, headers } = decodeEnvelope(body);
      const letterId = headers["replay_id"];
      if (letterId === undefined) return;
      const others = this.#byLetter.get(letterId);
      if (others === undefined) this.#byLetter.set(letterId, [eventId]);
      else others.push(eventId);
      const { node, durable } = parseReplayTarget(subject);
      this.#keys.add(replayKey({ node: `${subnet}/${node}`, durable }, eventId));
    } catch {
      // What is no event is no replay.
    }
  }

  /** Event ids of the replays that name this dead letter, oldest first. */
  ofLetter(letterId: string): readonly string[] {
    return this.#byLetter.get(letterId) ?? [];
  }

  /** Whether the event of this dead letter is stored already. */
  has(letter: Replayed): boolean {
    const key = keyOfReplay(letter);
    return key !== undefined && this.hasKey(key);
  }

  /** @param key Of {@link keyOfReplay}. */
  hasKey(key: string): boolean {
    return this.#keys.has(key);
  }
}

/** Reads the replays of a subnet's stream. */
export async function readReplays(
  { of, connection }: OpenServer,
  into: StoredReplays = new StoredReplays(),
): Promise<StoredReplays> {
  for await (const message of storedMessages(connection, eventsStream(of), subjectsOf(REPLAY_ROOT)))
    into.add(of, message);
  return into;
}

/** Names the event that a dead letter has when it runs again; undefined where it cannot. Pure. */
export function keyOfReplay(letter: Replayed): string | undefined {
  try {
    return replayKey(letter, replayEventId(letter));
  } catch {
    return undefined;
  }
}

/** An event that runs again at a durable: `beta/desk screen EVT-…`. Pure. */
export function replayKey({ node, durable }: Pick<DeadLetter, "node" | "durable">, eventId: string): string {
  return `${node} ${durable} ${eventId}`;
}
