import type { ConsumerInfo, JetStreamManager, StreamInfo } from "nats";
import type { Connection } from "../connection/connection.ts";
import { storedMessageAt, storedMessages } from "../stream/stored-messages.ts";
import { compareStream, type SeqRange, type StreamDamage, type StreamKeeping } from "./compare-stream.ts";
import { bringDurable, type DurablePosition, durablePosition, isAstray } from "./durables-anew.ts";
import type { BookedStream } from "./position-book.ts";
import { holesOf, readStream, stateOf } from "./read-stream.ts";

/** A durable that is missing, or that would skip events from its current position. */
export interface AstrayDurable {
  readonly consumer: string;
  readonly position: DurablePosition;
  /** Its stream is unchanged up to here. */
  readonly intactTo: number;
}

/** The result of verifying one stream. */
export interface StreamVerdict {
  readonly stream: string;
  readonly messages: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The book of positions has an entry for it. */
  readonly isBooked: boolean;
  /** How it differs from its position at the keeping daemon's last look. */
  readonly damage?: StreamDamage;
  /** Places that the server counts as held but cannot read. */
  readonly unreadable: readonly SeqRange[];
  readonly astray: readonly AstrayDurable[];
}

export interface VerifyOptions {
  /** Reads every message. @default only what shows whether the stream is still at its position */
  readonly isDeep: boolean;
  /** Called with the number of messages read. */
  readonly onRead: (messages: number) => void;
}

/** Compares a stream with its recorded position. Rejects with `unavailable`. */
export async function verifyStream(
  connection: Connection,
  jsm: JetStreamManager,
  info: StreamInfo,
  booked: BookedStream | undefined,
  { isDeep, onRead }: VerifyOptions,
): Promise<StreamVerdict> {
  const state = stateOf(info);
  const { name } = info.config;
  const keeping = keepingOfConfig(info);
  let damage: StreamDamage | undefined;
  if (booked !== undefined) {
    const reading = await readStream(connection, jsm, name, booked, state, keeping, true);
    damage = compareStream(booked, reading, keeping, Date.now());
  }
  const { messages, firstSeq, lastSeq } = state;
  const unreadable = isDeep
    ? await unreadableOf(connection, jsm, name, { from: firstSeq, to: lastSeq }, onRead)
    : [];
  const astray = await astrayOf(jsm, name, booked, damage?.intactTo);
  const found = {
    stream: name,
    messages,
    firstSeq,
    lastSeq,
    isBooked: booked !== undefined,
    unreadable,
    astray,
  };
  return damage === undefined ? found : { ...found, damage };
}

/** Recreates a durable at its recorded position. Rejects with what the client throws. */
export async function healDurable(
  jsm: JetStreamManager,
  stream: string,
  { consumer, position, intactTo }: AstrayDurable,
): Promise<void> {
  await bringDurable(jsm, stream, consumer, position, intactTo);
}

/** How a stream loses messages as intended, by the settings that its server reports. Pure. */
function keepingOfConfig({ config }: StreamInfo): StreamKeeping {
  const isDense = (config.max_msgs_per_subject ?? -1) <= 0 && config.discard === "new";
  return { isDense, maxAgeMs: config.max_age > 0 ? config.max_age / 1e6 : Number.POSITIVE_INFINITY };
}

async function astrayOf(
  jsm: JetStreamManager,
  stream: string,
  booked: BookedStream | undefined,
  wholeTo: number | undefined,
): Promise<AstrayDurable[]> {
  const gone = new Map(Object.entries(booked?.durables ?? {}));
  const astray: AstrayDurable[] = [];
  const there: ConsumerInfo[] = [];
  for await (const info of jsm.consumers.list(stream)) there.push(info);
  // Read after the durables, so that no sound durable is ahead of it.
  const intactTo = wholeTo ?? (await jsm.streams.info(stream)).state.last_seq;
  for (const info of there) {
    if (info.config.durable_name === undefined) continue;
    const position = gone.get(info.name) ?? durablePosition(info);
    gone.delete(info.name);
    // A durable that was recreated on purpose since the last look is not astray for that reason.
    if (isAstray(info, { ...position, created: info.created }, intactTo))
      astray.push({ consumer: info.name, position, intactTo });
  }
  for (const [consumer, position] of gone) astray.push({ consumer, position, intactTo });
  return astray;
}

/** Reads every message, and finds the places that are neither delivered nor known to be empty. */
async function unreadableOf(
  connection: Connection,
  jsm: JetStreamManager,
  stream: string,
  { from, to }: SeqRange,
  onRead: (messages: number) => void,
): Promise<SeqRange[]> {
  const gaps: SeqRange[] = [];
  let next = from;
  while (next <= to) {
    for await (const { seq } of storedMessages(connection, stream, ">", { seq: next })) {
      if (seq > to) break;
      if (seq > next) gaps.push({ from: next, to: seq - 1 });
      next = seq + 1;
      onRead(1);
    }
    if (next > to) break;
    // A server that cannot read a message answers as at the end of the stream.
    const readable = await nextReadable(connection, stream, next, to);
    gaps.push({ from: next, to: readable - 1 });
    next = readable;
  }
  if (gaps.length === 0) return [];
  const holes = await holesOf(jsm, stream);
  return gaps.filter((gap) => !holes.some((hole) => hole.from <= gap.from && hole.to >= gap.to));
}

/** The first readable place from here on. The steps grow, so that a lost block costs a few requests. */
async function nextReadable(
  connection: Connection,
  stream: string,
  from: number,
  to: number,
): Promise<number> {
  let low = from;
  for (let step = 1; low + step <= to; step *= 2) {
    const found = await storedMessageAt(connection, stream, { seq: low + step });
    if (found !== undefined) {
      // Searches between the two for the first readable place.
      let high = low + step;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if ((await storedMessageAt(connection, stream, { seq: middle })) === undefined) low = middle;
        else high = middle;
      }
      return high;
    }
    low += step;
  }
  return to + 1;
}
