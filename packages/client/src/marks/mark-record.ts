import { crc32 } from "node:zlib";

/*
 * A record is 32 bytes: MAGIC, the checksum of the following fields, the time of writing (seconds since the epoch), the
 * number of records of its file that were known to be on disk then, and the mark's 128 bits. All records are equally
 * long and none is overwritten, so a damaged one spoils no other. Zeros are room reserved for later records.
 *
 * The number of synced records distinguishes damage from a torn end. An unreadable record below that number was lost by
 * the disk. One above it was never confirmed to anybody.
 */

export const RECORD_BYTES = 32;
const MAGIC = 0x4d_4f_fe_ff;
const ID_AT = 16;

/** 128 bits that name an effect at a durable. */
export type MarkId = Uint32Array;

/** Part of a file that was once on disk and can no longer be read. */
export interface Damage {
  readonly records: number;
  /** The lost marks are no younger than this, in seconds since the epoch; undefined when that is unknown. */
  readonly untilS: number | undefined;
}

/** Writes a record. A zero id ends a file that was closed in order. */
export function writeRecord(into: Buffer, at: number, id: MarkId, atS: number, synced: number): void {
  into.writeUInt32LE(MAGIC, at);
  into.writeUInt32LE(atS, at + 8);
  into.writeUInt32LE(synced, at + 12);
  for (let i = 0; i < 4; i++) into.writeUInt32LE(id[i] ?? 0, at + ID_AT + 4 * i);
  into.writeUInt32LE(checksum(into, at), at + 4);
}

export function isSound(content: Buffer, at: number): boolean {
  return content.readUInt32LE(at) === MAGIC && content.readUInt32LE(at + 4) === checksum(content, at);
}

export function readId(content: Buffer, at: number, into: MarkId): void {
  for (let i = 0; i < 4; i++) into[i] = content.readUInt32LE(at + ID_AT + 4 * i);
}

export function timeOf(content: Buffer, at: number): number {
  return content.readUInt32LE(at + 8);
}

export function isZero(content: Buffer, at: number, bytes: number = RECORD_BYTES): boolean {
  for (let i = at; i < at + bytes; i++) if (content[i] !== 0) return false;
  return true;
}

/**
 * Repairs a record with one flipped bit. The checksum shows which bit, since no two records of this length differ so
 * little. Returns whether the record is sound now.
 */
export function repairRecord(content: Buffer, at: number): boolean {
  if (isZero(content, at)) return false;
  for (let bit = 0; bit < RECORD_BYTES * 8; bit++) {
    const byte = at + (bit >> 3);
    const was = content[byte] ?? 0;
    content[byte] = was ^ (1 << (bit & 7));
    if (isSound(content, at)) return true;
    content[byte] = was;
  }
  return false;
}

/**
 * Reads a file that nobody writes any more. Calls `onMark` with the place of each mark, in order, and returns the
 * damaged parts. Skips a torn end. Repairs flipped bits within `content`.
 */
export function scanMarks(content: Buffer, onMark: (at: number) => void): Damage[] {
  const lost: { readonly from: number; records: number; untilS: number | undefined }[] = [];
  let isLost = false;
  let synced = 0;
  const whole = Math.floor(content.length / RECORD_BYTES);
  for (let i = 0; i < whole; i++) {
    const at = i * RECORD_BYTES;
    const last = lost.at(-1);
    if (isSound(content, at) || repairRecord(content, at)) {
      if (isLost && last !== undefined) last.untilS = timeOf(content, at);
      isLost = false;
      synced = Math.max(synced, content.readUInt32LE(at + 12));
      if (!isZero(content, at + ID_AT, 16)) onMark(at);
    } else if (isLost && last !== undefined) last.records++;
    else {
      isLost = true;
      lost.push({ from: i, records: 1, untilS: undefined });
    }
  }
  return lost.flatMap(({ from, records, untilS }) => {
    const damaged = Math.min(records, synced - from);
    return damaged > 0 ? [{ records: damaged, untilS }] : [];
  });
}

function checksum(content: Buffer, at: number): number {
  return crc32(content.subarray(at + 8, at + RECORD_BYTES));
}
