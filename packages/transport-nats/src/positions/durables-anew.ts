import { type ConsumerConfig, type ConsumerInfo, DeliverPolicy, type JetStreamManager } from "nats";
import { ifThere } from "../connection/not-found.ts";
import { findConsumer } from "../pull/link-durable.ts";

/** The position of a durable, with all settings that are needed to recreate it there. */
export interface DurablePosition {
  readonly created: string;
  /** Everything up to here is settled. */
  readonly floor: number;
  readonly config: ConsumerConfig;
}

export function durablePosition({ created, ack_floor, config }: ConsumerInfo): DurablePosition {
  return { created, floor: ack_floor.stream_seq, config };
}

/** The settings of a durable that begins at a place of its stream. Pure. */
export function startingAtSeq(config: ConsumerConfig, seq: number): ConsumerConfig {
  const { opt_start_time: _, ...rest } = config;
  return { ...rest, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: seq };
}

/** The place from which a durable continues in a stream that is unchanged up to `intactTo`. Pure. */
export function goesOnAt({ floor }: DurablePosition, intactTo: number): number {
  return Math.min(floor, intactTo) + 1;
}

/** Whether a durable of a damaged stream would skip events from its current position. Pure. */
export function isAstray(now: ConsumerInfo, recorded: DurablePosition, intactTo: number): boolean {
  // Numbers delivered beyond `intactTo` now belong to other messages or none. The server would wait until new messages
  // pass them.
  if (Math.max(now.delivered.stream_seq, now.ack_floor.stream_seq) > intactTo) return true;
  return now.created !== recorded.created && now.ack_floor.stream_seq > recorded.floor;
}

/**
 * Recreates a durable at an earlier place. Does nothing when it stands there or before, or does not exist. Rejects with
 * what the client throws.
 */
export async function rewindDurable(
  jsm: JetStreamManager,
  stream: string,
  consumer: string,
  seq: number,
): Promise<DurablePosition | undefined> {
  const existing = await findConsumer(jsm, stream, consumer);
  if (existing === undefined || existing.ack_floor.stream_seq < seq) return undefined;
  await ifThere("consumer", jsm.consumers.delete(stream, consumer));
  return durablePosition(await jsm.consumers.add(stream, startingAtSeq(existing.config, Math.max(1, seq))));
}

/**
 * Recreates a durable at its recorded position, unless its position is right. Returns its current state, and whether it
 * was recreated. Rejects with what the client throws.
 */
export async function bringDurable(
  jsm: JetStreamManager,
  stream: string,
  consumer: string,
  recorded: DurablePosition,
  intactTo: number,
): Promise<{ readonly position: DurablePosition; readonly isNew: boolean }> {
  const existing = await findConsumer(jsm, stream, consumer);
  if (existing !== undefined && !isAstray(existing, recorded, intactTo))
    return { position: durablePosition(existing), isNew: false };
  if (existing !== undefined) await ifThere("consumer", jsm.consumers.delete(stream, consumer));
  const config = existing?.config ?? recorded.config;
  const made = await jsm.consumers.add(stream, startingAtSeq(config, goesOnAt(recorded, intactTo)));
  return { position: durablePosition(made), isNew: true };
}
