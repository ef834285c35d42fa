import { isDeepStrictEqual } from "node:util";
import { MeshError } from "@adaos/core";
import type { OpenServer } from "@adaos/operations";
import { listStreams } from "@adaos/transport-nats";
import { StorageType, type StreamInfo } from "nats";
import type { Blob, KeptStream } from "../file/manifest.ts";
import type { BackupWriter } from "../file/write-backup.ts";
import { type ConsumerText, readHead } from "../snapshot/archive-head.ts";
import { cutParts } from "../snapshot/cut-parts.ts";
import { takeSnapshot } from "../snapshot/take-snapshot.ts";

/** A stream, and its consumers as they stood before any stream was read. */
export interface FoundStream {
  readonly server: OpenServer;
  readonly info: StreamInfo;
  readonly consumers: readonly ConsumerText[];
}

/** A larger snapshot is given up once its consumers are known: the server notes that in its log. */
const MAX_DRAINED_BYTES = 4_194_304;

/** Every stream of a server with its consumers. Rejects with `unavailable`, or `timeout`. */
export async function findStreams(server: OpenServer): Promise<FoundStream[]> {
  const found: FoundStream[] = [];
  for (const info of (await listStreams(server.jsm)).values()) {
    // What is in memory means nothing after a start: the lease of a hub of several servers.
    if (info.config.storage === StorageType.Memory) continue;
    found.push({ server, info, consumers: await consumersOf(server, info) });
  }
  return found;
}

/** Their exact states are only in a snapshot: what was delivered, which of it is pending, and how often. */
async function consumersOf(
  { connection, of }: OpenServer,
  { config }: StreamInfo,
): Promise<readonly ConsumerText[]> {
  const snapshot = await takeSnapshot(connection.nc, config.name, true);
  try {
    const isSmall = snapshot.state.bytes <= MAX_DRAINED_BYTES;
    const { consumers } = await readHead(isSmall ? drained(snapshot.content()) : snapshot.content());
    return consumers;
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `${of}: the durables of ${config.name} cannot be read`);
  } finally {
    snapshot.close();
  }
}

/** Reads to the end, also when its reader needs only the beginning. */
async function* drained(content: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let isRead = false;
  try {
    for await (const part of { [Symbol.asyncIterator]: () => ({ next: () => content.next() }) }) {
      isRead = true;
      yield part;
      isRead = false;
    }
  } finally {
    if (isRead) while ((await content.next()).done !== true);
  }
}

/**
 * Writes the snapshot of a stream into a backup. Rejects with `unavailable` or `timeout`.
 * @param before The same stream in the base.
 */
export async function keepStream(
  writer: BackupWriter,
  { server, info, consumers }: FoundStream,
  before: KeptStream | undefined,
  onBytes: (bytes: number) => void,
): Promise<KeptStream> {
  const { name } = info.config;
  const takenAt = new Date().toISOString();
  if (before !== undefined && (await isUnchanged(server, name, before)))
    return { ...before, takenAt, consumers };
  const snapshot = await takeSnapshot(server.connection.nc, name, false);
  try {
    const parts: Blob[] = [];
    for await (const part of cutParts(snapshot.content())) {
      parts.push(await writer.blob(part));
      onBytes(part.length);
    }
    const { config, state } = snapshot;
    return { config, state, takenAt, consumers, parts };
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", `${server.of}: ${name} cannot be read`);
  } finally {
    snapshot.close();
  }
}

/** Times of the first and last message are in nanoseconds: no other content has the same. */
async function isUnchanged({ jsm }: OpenServer, name: string, before: KeptStream): Promise<boolean> {
  const { state, config } = await jsm.streams.info(name);
  const then = before.state;
  return (
    state.messages === then.messages &&
    state.bytes === then.bytes &&
    state.first_seq === then.first_seq &&
    state.last_seq === then.last_seq &&
    state.first_ts === then["first_ts"] &&
    state.last_ts === then["last_ts"] &&
    isDeepStrictEqual(withoutNotes({ ...config }), withoutNotes(before.config))
  );
}

/** The server adds notes of its version when it lists a stream. */
function withoutNotes({ metadata: _, ...config }: Readonly<Record<string, unknown>>): object {
  return JSON.parse(JSON.stringify(config)) as object;
}
