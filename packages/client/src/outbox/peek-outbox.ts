import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@adaos/core";
import { messageOfRecord, scanRecords } from "./record.ts";

/** An event that waits in an outbox. */
export interface QueuedEvent extends Pick<Message, "id" | "subject"> {
  readonly bytes: number;
  /** RFC 3339, from the event's envelope; undefined when that has none. */
  readonly publishedAt: string | undefined;
}

const SUFFIX = ".outbox";

/**
 * The messages in a node's outbox, from all its processes, as they were at one moment; empty without an outbox.
 * Read-only: it takes over and changes nothing. Rejects with the error of reading a file.
 */
export async function peekOutbox(dir: string): Promise<QueuedEvent[]> {
  const found: QueuedEvent[] = [];
  for (const name of await readOrNothing(() => readdir(dir), [])) {
    if (!name.endsWith(SUFFIX)) continue;
    // Its owner may have forwarded all of it since.
    const content = await readOrNothing(() => readFile(join(dir, name)), Buffer.alloc(0));
    for (const { offset, bytes } of waitingIn(content)) {
      const message = messageOfRecord(content.subarray(offset, offset + bytes));
      if (message === undefined) continue;
      const { id, subject, body } = message;
      found.push({ id, subject, bytes, publishedAt: publishedAt(body) });
    }
  }
  return found;
}

function publishedAt(body: Uint8Array): string | undefined {
  try {
    const { ts } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly ts?: unknown };
    return typeof ts === "string" ? ts : undefined;
  } catch {
    return undefined;
  }
}

/** The size of a node's outbox. */
export interface OutboxSize {
  /** Absent when there are too many to count quickly. */
  readonly events?: number;
  readonly bytes: number;
}

/** Larger files are not read to count their messages. */
const MAX_COUNTED_BYTES = 67_108_864;

/** As {@link peekOutbox}, but only the size; without `events`, the bytes on disk. */
export async function outboxSize(dir: string): Promise<OutboxSize> {
  const names = await readOrNothing(() => readdir(dir), []);
  const files = names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(dir, name));
  const sizes = await Promise.all(files.map((file) => readOrNothing(async () => (await stat(file)).size, 0)));
  const bytesOnDisk = sizes.reduce((sum, size) => sum + size, 0);
  if (bytesOnDisk > MAX_COUNTED_BYTES) return { bytes: bytesOnDisk };
  let events = 0;
  let bytes = 0;
  for (const file of files) {
    for (const entry of waitingIn(await readOrNothing(() => readFile(file), Buffer.alloc(0)))) {
      events++;
      bytes += entry.bytes;
    }
  }
  return { events, bytes };
}

/** The records of a file that are not forwarded. */
function waitingIn(content: Buffer): { readonly offset: number; readonly bytes: number }[] {
  const scanned = scanRecords(content);
  let head = 0;
  for (const record of scanned) if (record.kind === "head") head = record.position;
  return scanned.flatMap((record) => (record.kind === "entry" && record.offset >= head ? [record] : []));
}

async function readOrNothing<T>(read: () => Promise<T>, nothing: T): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return nothing;
    throw thrown;
  }
}
