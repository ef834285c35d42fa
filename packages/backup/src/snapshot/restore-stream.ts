import { MeshError } from "@adaos/core";
import { messageOf, restoreSubject } from "@adaos/core/wire";
import { type DurablePosition, durablePosition } from "@adaos/transport-nats";
import type { NatsConnection } from "nats";
import { z } from "zod";
import { type ConsumerText, withConsumers } from "./archive-head.ts";
import { asS2 } from "./s2-frames.ts";
import { type SnapshotConfig, type SnapshotState, snapshotStateSchema } from "./snapshot-state.ts";

const CHUNK_BYTES = 524_288;
const TOGETHER = 8;
const ANSWER_MS = 60_000;
/** The server reads all that it got, and recovers the stream. */
const RECOVERY_MS = 600_000;

const errorSchema = z.object({ error: z.object({ description: z.string() }).optional() });
const begunSchema = errorSchema.extend({ deliver_subject: z.string().optional() });
const endedSchema = errorSchema.extend({
  created: z.string().optional(),
  state: snapshotStateSchema.optional(),
});

/** A snapshot, from wherever it is kept. */
export interface KeptSnapshot {
  readonly config: SnapshotConfig;
  readonly state: SnapshotState;
  /** Undefined: they are in the content. */
  readonly consumers: readonly ConsumerText[] | undefined;
  content(): AsyncIterable<Buffer>;
}

/** A stream that a server has taken back. */
export interface RestoredStream {
  /** When the server made it, RFC 3339. */
  readonly created: string;
  readonly state: SnapshotState;
  readonly durables: Readonly<Record<string, DurablePosition>>;
}

/**
 * Gives a stream back to a server that has none of this name. Resolves with what it has now. Rejects with
 * `unavailable`.
 */
export async function restoreStream(
  nc: NatsConnection,
  { config, state, consumers, content }: KeptSnapshot,
): Promise<RestoredStream> {
  const { name } = config;
  const refused = (why: string): MeshError =>
    new MeshError("unavailable", `the server does not take ${name} back: ${why}`);
  try {
    const asked = await nc.request(restoreSubject(name), JSON.stringify({ config, state }), {
      timeout: ANSWER_MS,
    });
    const begun = begunSchema.parse(asked.json());
    const to = begun.deliver_subject;
    if (begun.error !== undefined || to === undefined) throw refused(begun.error?.description ?? "no reason");
    const sent: Promise<void>[] = [];
    for await (const chunk of inChunks(
      asS2(consumers === undefined ? content() : withConsumers(content(), consumers)),
    )) {
      sent.push(sendChunk(nc, to, chunk, refused));
      if (sent.length >= TOGETHER) await sent.shift();
    }
    await Promise.all(sent);
    const ended = endedSchema.parse((await nc.request(to, undefined, { timeout: RECOVERY_MS })).json());
    const { error, created, state: now } = ended;
    if (error !== undefined || created === undefined || now === undefined)
      throw refused(error?.description ?? "no reason");
    return { created, state: now, durables: await durablesOf(nc, name) };
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    throw refused(messageOf(cause));
  }
}

async function durablesOf(nc: NatsConnection, stream: string): Promise<RestoredStream["durables"]> {
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const durables: Record<string, DurablePosition> = {};
  for await (const info of jsm.consumers.list(stream)) durables[info.name] = durablePosition(info);
  return durables;
}

async function sendChunk(
  nc: NatsConnection,
  to: string,
  chunk: Buffer,
  refused: (why: string) => MeshError,
): Promise<void> {
  const answer = await nc.request(to, chunk, { timeout: ANSWER_MS });
  if (answer.data.length === 0) return;
  throw refused(errorSchema.parse(answer.json()).error?.description ?? "no reason");
}

async function* inChunks(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  for await (const part of parts) {
    held.push(part);
    bytes += part.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(held, bytes);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held, bytes);
}
