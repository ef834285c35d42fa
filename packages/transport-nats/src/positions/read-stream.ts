import { MeshError } from "@adaos/core";
import type { JetStreamManager, StreamInfo } from "nats";
import type { Connection } from "../connection/connection.ts";
import { storedMessageAt } from "../stream/stored-messages.ts";
import {
  hasNewHoles,
  justAfter,
  type SeqRange,
  type StreamKeeping,
  type StreamPosition,
  type StreamReading,
  type StreamState,
} from "./compare-stream.ts";

/** The state of a stream, taken from the server's listing, in comparable form. Pure. */
export function stateOf({ created, state }: StreamInfo): StreamState {
  const { first_seq: firstSeq, last_seq: lastSeq, messages, last_ts: lastAt } = state;
  return { created, firstSeq, lastSeq, messages, lastAt };
}

/** Every stream of an account by its name. Rejects with `unavailable`. */
export async function listStreams(jsm: JetStreamManager): Promise<Map<string, StreamInfo>> {
  const found = new Map<string, StreamInfo>();
  try {
    for await (const info of jsm.streams.list()) found.set(info.config.name, info);
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", "JetStream does not list its streams");
  }
  return found;
}

/**
 * Reads what is needed to compare a stream with its position: one message behind the newest mark. When that or the
 * server's own numbers look wrong, it also reads each mark and the list of holes. Rejects with `unavailable`.
 * @param isThorough Reads every mark in any case.
 */
export async function readStream(
  connection: Connection,
  jsm: JetStreamManager,
  stream: string,
  recorded: StreamPosition,
  state: StreamState,
  { isDense }: StreamKeeping,
  isThorough: boolean,
): Promise<StreamReading> {
  const newest = recorded.marks.at(-1);
  const asked = newest === undefined ? 1 : newest.seq;
  const firstAfter =
    state.lastSeq === 0 ? undefined : await firstPlaceAfter(connection, stream, newest?.storedAt);
  const isOdd =
    state.created !== recorded.created ||
    state.lastSeq < recorded.lastSeq ||
    (firstAfter !== undefined && firstAfter <= asked && newest !== undefined);
  const storedAt = new Map<number, string>();
  const marks = isThorough || isOdd ? recorded.marks : recorded.marks.slice(-1);
  for (const { seq } of marks) {
    if (seq < state.firstSeq || seq > state.lastSeq) continue;
    const found = await storedMessageAt(connection, stream, { seq });
    if (found !== undefined) storedAt.set(seq, found.storedAt);
  }
  const hasHoles = isDense && hasNewHoles(recorded, state);
  return {
    state,
    ...(firstAfter === undefined ? {} : { firstAfter }),
    storedAt,
    ...(hasHoles ? { holes: await holesOf(jsm, stream) } : {}),
  };
}

async function firstPlaceAfter(
  connection: Connection,
  stream: string,
  time: string | undefined,
): Promise<number | undefined> {
  if (time === undefined) return undefined;
  const found = await storedMessageAt(connection, stream, {
    start_time: justAfter(time),
    next_by_subj: ">",
  });
  return found?.seq;
}

/** Places of a stream that hold no message. The server lists each place; neighbours are joined to ranges. */
export async function holesOf(jsm: JetStreamManager, stream: string): Promise<SeqRange[]> {
  try {
    const { state } = await jsm.streams.info(stream, { deleted_details: true });
    return rangesOf(state.deleted ?? []);
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `stream ${stream} does not list its missing messages`);
  }
}

/** Pure. @param seqs In ascending order. */
export function rangesOf(seqs: Iterable<number>): SeqRange[] {
  const ranges: { from: number; to: number }[] = [];
  for (const seq of seqs) {
    const last = ranges.at(-1);
    if (last !== undefined && seq === last.to + 1) last.to = seq;
    else ranges.push({ from: seq, to: seq });
  }
  return ranges;
}
