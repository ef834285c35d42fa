const SEED_PREFIX = 18 << 3;
const USER_PREFIX = 20 << 3;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Formats an ed25519 public key of 32 bytes as a user's nkey. */
export function publicNkey(bytes: Uint8Array): string {
  return withChecksum(Buffer.from([USER_PREFIX]), bytes);
}

/** Formats an ed25519 seed of 32 bytes as a user's seed. The client library makes only random seeds. */
export function seedNkey(bytes: Uint8Array): string {
  // Two prefixes of five bits each, in two bytes.
  return withChecksum(Buffer.from([SEED_PREFIX | (USER_PREFIX >> 5), (USER_PREFIX & 31) << 3]), bytes);
}

function withChecksum(prefix: Uint8Array, bytes: Uint8Array): string {
  const body = Buffer.concat([prefix, bytes]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc16(body));
  return base32(Buffer.concat([body, check]));
}

/** CRC-16/XMODEM, as nkeys end with. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** RFC 4648 without padding. */
function base32(bytes: Uint8Array): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  const digits = bits.match(/.{1,5}/g) ?? [];
  return digits.map((five) => BASE32[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}
