import { randomBytes } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** 62^22 is more than 2^128. */
const ID_CHARACTERS = 22;
/** Bytes from here on would favour some characters. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

const POOL_BYTES = 4096;
let pool: Buffer = Buffer.alloc(0);
let offset = 0;

/** Unpredictable bytes. They are drawn in bulk, since an id must not cost a system call. */
export function randomHex(bytes: number): string {
  if (offset + bytes > pool.length) refill();
  offset += bytes;
  return pool.toString("hex", offset - bytes, offset);
}

/**
 * An unpredictable id, also for a reader of many earlier ids: 22 characters of A-Z a-z 0-9, over 128 bits. For ids,
 * reply subjects and keys alike.
 */
export function randomId(): string {
  let id = "";
  while (id.length < ID_CHARACTERS) {
    if (offset >= pool.length) refill();
    const byte = pool[offset++] ?? 0;
    if (byte < FAIR_BYTES) id += ALPHABET[byte % ALPHABET.length];
  }
  return id;
}

function refill(): void {
  pool = randomBytes(POOL_BYTES);
  offset = 0;
}
