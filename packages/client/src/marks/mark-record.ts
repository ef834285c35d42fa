import { crc32 } from "node:zlib";

/*
 * A record is 32 bytes: MAGIC, the checksum of what follows, when it was written (seconds since the epoch), how many
 * records of its file were known to be on disk then, and the mark's 128 bits. All records are equally long and none is
 * overwritten, so one that is damaged spoils no other. Zeros are room that is kept for records to come.
 *
 * The number of synced records tells damage from a torn end. A record that cannot be read was lost by the disk when it
 * stands below that number, and nobody was told of it when it stands above.
 */

export const RECORD_BYTES = 32;
const MAGIC = 0x4d_4f_fe_ff;
const ID_AT = 16;

/** 128 bits that name an effect at a durable. */
export type MarkId = Uint32Array;

/** Part of a file that was on disk once and cannot be read any more. */
export interface Damage {
  readonly records: number;
  /** The marks that were lost are no younger, in seconds since the epoch; nothing where that cannot be told. */
  readonly untilS: number | undefined;
}

/** Writes a record. An id of zeros ends a file that was closed in order. */
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
 * Mends a record of which one bit has flipped: the checksum tells which, since no two records that short differ so
 * little. Returns whether it is sound now.
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
 * Reads a file that nobody writes any more: calls `onMark` with the place of each mark, in order, and returns what is
 * damaged. A torn end is passed over. Mends flipped bits within `content`.
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
