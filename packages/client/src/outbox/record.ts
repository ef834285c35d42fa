import { crc32 } from "node:zlib";
import type { Message } from "@adaos/core";

/*
 * A record is MAGIC, the payload's length, the checksum of kind and payload, the kind, and the payload. MAGIC begins
 * with bytes that no UTF-8 text contains, so that a reader finds the next record after a damaged one.
 */

const MAGIC = Buffer.from([0xff, 0xfe, 0x4f, 0x42]);
const HEADER_BYTES = MAGIC.length + 4 + 4 + 1;
const ENTRY = 1;
const HEAD = 2;

/** One item read from an outbox, with its position. */
export type Scanned =
  | { readonly kind: "entry"; readonly offset: number; readonly bytes: number }
  /** All entries before this position are forwarded. */
  | { readonly kind: "head"; readonly position: number }
  | { readonly kind: "damage"; readonly offset: number; readonly bytes: number };

/** The record of a message. */
export function entryRecord({ subject, id, headers, body }: Message): Buffer {
  const meta = Buffer.from(JSON.stringify({ subject, id, headers }));
  const metaLength = Buffer.alloc(4);
  metaLength.writeUInt32LE(meta.length);
  return recordOf(ENTRY, [metaLength, meta, body]);
}

/** The record of the position up to which all is forwarded. */
export function headRecord(position: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(BigInt(position));
  return recordOf(HEAD, [payload]);
}

function recordOf(kind: number, parts: readonly Uint8Array[]): Buffer {
  const payloadBytes = parts.reduce((sum, { length }) => sum + length, 0);
  const record = Buffer.concat([Buffer.alloc(HEADER_BYTES), ...parts], HEADER_BYTES + payloadBytes);
  MAGIC.copy(record);
  record.writeUInt32LE(payloadBytes, 4);
  record[12] = kind;
  record.writeUInt32LE(crc32(record.subarray(12)), 8);
  return record;
}

/** The message of an entry's record; undefined when the record is damaged. */
export function messageOfRecord(record: Buffer): Message | undefined {
  if (recordBytesAt(record, 0) !== record.length || record[12] !== ENTRY) return undefined;
  const payload = record.subarray(HEADER_BYTES);
  const bodyAt = 4 + payload.readUInt32LE(0);
  const meta = JSON.parse(payload.toString("utf8", 4, bodyAt)) as Omit<Message, "body">;
  return { ...meta, body: payload.subarray(bodyAt) };
}

/** Reads all records of a file's content, and skips damaged parts. A torn tail is damage at the end. */
export function scanRecords(content: Buffer): Scanned[] {
  const found: Scanned[] = [];
  for (let offset = 0; offset < content.length; ) {
    const bytes = recordBytesAt(content, offset);
    if (bytes === undefined) {
      const next = nextRecord(content, offset + 1);
      found.push({ kind: "damage", offset, bytes: next - offset });
      offset = next;
      continue;
    }
    if (content[offset + 12] === HEAD) {
      found.push({ kind: "head", position: Number(content.readBigUInt64LE(offset + HEADER_BYTES)) });
    } else found.push({ kind: "entry", offset, bytes });
    offset += bytes;
  }
  return found;
}

/** Length of the complete, sound record that begins here. */
function recordBytesAt(content: Buffer, offset: number): number | undefined {
  if (content.length - offset < HEADER_BYTES) return undefined;
  if (content.compare(MAGIC, 0, MAGIC.length, offset, offset + MAGIC.length) !== 0) return undefined;
  const bytes = HEADER_BYTES + content.readUInt32LE(offset + 4);
  if (offset + bytes > content.length) return undefined;
  const isSound = crc32(content.subarray(offset + 12, offset + bytes)) === content.readUInt32LE(offset + 8);
  return isSound ? bytes : undefined;
}

function nextRecord(content: Buffer, from: number): number {
  for (
    let offset = content.indexOf(MAGIC, from);
    offset !== -1;
    offset = content.indexOf(MAGIC, offset + 1)
  ) {
    if (recordBytesAt(content, offset) !== undefined) return offset;
  }
  return content.length;
}
