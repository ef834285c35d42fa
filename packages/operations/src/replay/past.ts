import { MeshError, type Message } from "@adaos/core";
import { eventsStream, patternToFilter, replayOfStored, type Signatures } from "@adaos/core/wire";
import { type StoredFrom, type StoredMessage, storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import type { ReplayTarget, Selection } from "./replay-target.ts";

/** A part of a stream; each bound is one more condition. */
export interface PastRange {
  /** Stored at or after this time. */
  readonly since?: Date | undefined;
  /** Stored before this time, milliseconds since the epoch. */
  readonly untilMs?: number | undefined;
  readonly fromSeq: number;
  /** This one too. */
  readonly toSeq: number;
}

/** The events to replay, their target, and the name of the replay. */
export interface ReplayPlan {
  readonly to: ReplayTarget;
  readonly replayId: string;
  readonly signatures: Signatures;
  readonly selection: Selection;
  readonly range: PastRange;
}

/** An event at one place of a stream, and the message that replays it, or the reason why it cannot be replayed. */
export interface PastEvent {
  readonly seq: number;
  readonly made: Message | MeshError;
}

/** The events that a plan selects, oldest first. Replays and replies, which lie in the same stream, are left out. */
export async function* pastEvents(server: OpenServer, plan: ReplayPlan): AsyncGenerator<PastEvent> {
  const { range, selection } = plan;
  const stream = eventsStream(server.of);
  const filter = patternToFilter(selection.pattern, selection.from);
  const start: StoredFrom = range.since === undefined ? { seq: range.fromSeq } : { time: range.since };
  for await (const message of storedMessages(server.connection, stream, filter, start)) {
    if (message.seq > range.toSeq) return;
    if (range.untilMs !== undefined && Date.parse(message.storedAt) >= range.untilMs) return;
    if (message.seq >= range.fromSeq) yield { seq: message.seq, made: made({ stream, ...message }, plan) };
  }
}

function made(
  message: StoredMessage & { readonly stream: string },
  { to, replayId, signatures }: ReplayPlan,
): Message | MeshError {
  try {
    return replayOfStored(message, to, replayId, signatures);
  } catch (thrown) {
    return MeshError.from(thrown, "internal", "not replayed");
  }
}

/** The extent of a plan, found out before the operator is asked. */
export interface Survey {
  count: number;
  /** Messages that are no event. */
  skipped: number;
  failed: number;
  /** The bytes that the replayed events will take in the stream, about. */
  bytes: number;
  /** Where the first and the last of them all lie. */
  first: number;
  last: number;
}

/** Reads all events of a plan. `survey` shows the progress meanwhile. */
export async function surveyPast(server: OpenServer, plan: ReplayPlan, survey: Survey): Promise<void> {
  for await (const { seq, made } of pastEvents(server, plan)) {
    if (survey.last === 0) survey.first = seq;
    survey.last = seq;
    if (made instanceof MeshError) survey[isNoEvent(made) ? "skipped" : "failed"]++;
    else {
      survey.count++;
      survey.bytes += storedBytes(made);
    }
  }
}

/** Whether there was nothing to replay, rather than something that could not be. */
export function isNoEvent({ code }: MeshError): boolean {
  return code === "invalid-event";
}

/** Ids, batch headers, trace context and what the server adds of its own. */
const OVERHEAD_BYTES = 320;

/** The bytes that a message takes in a stream; an estimate that is rather too high than too low. */
export function storedBytes({ subject, body }: Message): number {
  return subject.length + body.length + OVERHEAD_BYTES;
}
