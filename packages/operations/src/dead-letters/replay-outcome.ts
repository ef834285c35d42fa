import { deadLetterStream, eventsStream } from "@adaos/core/wire";
import type { OpenServer } from "../hubs.ts";
import { failedLetters } from "./dead-letters.ts";
import { replayKey } from "./replayed-letters.ts";

/** Place behind the last message of a stream. */
async function nextPlace({ jsm }: OpenServer, stream: string): Promise<number> {
  return (await jsm.streams.info(stream)).state.last_seq + 1;
}

/** Where the dead letters begin that come from now on. */
export function nextLetterPlace(hub: OpenServer): Promise<number> {
  return nextPlace(hub, deadLetterStream(hub.of));
}

/** Where the events begin that are stored from now on. */
export function nextEventPlace(hub: OpenServer): Promise<number> {
  return nextPlace(hub, eventsStream(hub.of));
}

/** The durables, as `beta/desk screen`, of these that have still to settle events before a place in the stream. */
export async function unsettledDurables(
  { of, jsm }: OpenServer,
  wanted: ReadonlySet<string>,
  beforeSeq: number,
): Promise<string[]> {
  const unsettled: string[] = [];
  for await (const { name, num_pending, num_ack_pending, ack_floor } of jsm.consumers.list(
    eventsStream(of),
  )) {
    const durable = `${of}/${name.replace("_", " ")}`;
    if (!wanted.has(durable) || (num_pending === 0 && num_ack_pending === 0)) continue;
    if (ack_floor.stream_seq < beforeSeq - 1) unsettled.push(durable);
  }
  return unsettled;
}

/** A replay that has become a dead letter again. */
export interface FailedAgain {
  /** Of the replay. */
  readonly eventId: string;
  readonly letterId: string;
  /** Of the new dead letter, in its stream. */
  readonly kept: number;
  readonly message: string;
}

/**
 * The dead letters from a place on whose events are replays of this list.
 * @param replays Keys of `keyOfReplay()`.
 */
export async function* failedAgain(
  hub: OpenServer,
  replays: ReadonlySet<string>,
  fromSeq: number,
): AsyncGenerator<FailedAgain> {
  for await (const { kept, entry } of failedLetters(hub, {}, { seq: fromSeq }))
    if (replays.has(replayKey(entry, entry.event_id)))
      yield { eventId: entry.event_id, letterId: entry.dead_letter_id, kept, message: entry.error.message };
}
