import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@adaos/core";
import { messageOfRecord, scanRecords } from "./record.ts";

/** An event that waits in an outbox. */
export interface QueuedEvent extends Pick<Message, "id" | "subject"> {
  readonly bytes: number;
  /** RFC 3339, as its envelope says; nothing where it says nothing. */
  readonly publishedAt: string | undefined;
}

/**
 * What waits in a node's outbox, whichever process of it has put it there, as it was at one moment; nothing where there
 * is no outbox. For who only looks: nothing is taken over or changed. Rejects with what reading a file rejects with.
 */
export async function peekOutbox(dir: string): Promise<QueuedEvent[]> {
  const found: QueuedEvent[] = [];
  for (const name of await readOrNothing(() => readdir(dir), [])) {
    if (!name.endsWith(".outbox")) continue;
    // Its owner may have forwarded all of it since.
    const content = await readOrNothing(() => readFile(join(dir, name)), Buffer.alloc(0));
    let head = 0;
    const scanned = scanRecords(content);
    for (const record of scanned) if (record.kind === "head") head = record.position;
    for (const record of scanned) {
      if (record.kind !== "entry" || record.offset < head) continue;
      const message = messageOfRecord(content.subarray(record.offset, record.offset + record.bytes));
      if (message === undefined) continue;
      const { id, subject, body } = message;
      found.push({ id, subject, bytes: record.bytes, publishedAt: publishedAt(body) });
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

async function readOrNothing<T>(read: () => Promise<T>, nothing: T): Promise<T> {
  try {
    return await read();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return nothing;
    throw thrown;
  }
}
