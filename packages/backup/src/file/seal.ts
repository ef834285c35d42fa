import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { z } from "zod";

const deriveKey: (
  password: string,
  salt: Buffer,
  length: number,
  options: { N: number; r: number; p: number; maxmem: number },
) => Promise<Buffer> = promisify(scrypt);

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 64 MiB of memory and about 0.2 s for each guess. */
const COST = { N: 65_536, r: 8, p: 1 } as const;
const MIN_PASSPHRASE = 8;
const MAX_PASSPHRASE = 1024;

/** 256 MiB: 128 bytes for each of N times r. */
const MAX_COST = 2_097_152;

/** How the key of a file is made from its passphrase. Bounded: a strange file must not take all memory. */
export const sealSchema: z.ZodType<SealSettings> = z
  .strictObject({
    cipher: z.literal(CIPHER),
    kdf: z.literal("scrypt"),
    N: z.number().int().min(16_384).max(1_048_576),
    r: z.number().int().min(1).max(16),
    p: z.number().int().min(1).max(4),
    salt: z.string().regex(/^[0-9a-f]{32}$/),
  })
  .refine(({ N, r }) => N * r <= MAX_COST);

export interface SealSettings {
  readonly cipher: typeof CIPHER;
  readonly kdf: "scrypt";
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
}

export function newSealSettings(): SealSettings {
  return { cipher: CIPHER, kdf: "scrypt", ...COST, salt: randomBytes(SALT_BYTES).toString("hex") };
}

/** Encrypts and authenticates frames: each has its place, its type and the file's header under its seal. */
export class Seal {
  readonly #key: Buffer;
  readonly #header: Buffer;

  private constructor(key: Buffer, header: Buffer) {
    this.#key = key;
    this.#header = header;
  }

  /**
   * @param header Digest of the file's header.
   * Rejects with `usage` for a passphrase that is too short or too long.
   */
  static async of(passphrase: string, { N, r, p, salt }: SealSettings, header: Buffer): Promise<Seal> {
    if (passphrase.length < MIN_PASSPHRASE || passphrase.length > MAX_PASSPHRASE)
      throw new MeshError("usage", `a passphrase has ${MIN_PASSPHRASE} to ${MAX_PASSPHRASE} characters`);
    const options = { N, r, p, maxmem: 256 * N * r + 1_048_576 };
    return new Seal(await deriveKey(passphrase, Buffer.from(salt, "hex"), KEY_BYTES, options), header);
  }

  close(body: Buffer, type: number, place: number): Buffer {
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(place));
    cipher.setAAD(this.#bound(type));
    return Buffer.concat([cipher.update(body), cipher.final(), cipher.getAuthTag()]);
  }

  /** Throws an Error when the passphrase is another one, or the frame was changed. */
  open(body: Buffer, type: number, place: number): Buffer {
    if (body.length < TAG_BYTES) throw new Error("the frame is too short");
    const decipher = createDecipheriv(CIPHER, this.#key, nonceOf(place), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#bound(type));
    decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(0, body.length - TAG_BYTES)), decipher.final()]);
  }

  #bound(type: number): Buffer {
    return Buffer.concat([this.#header, Buffer.from([type])]);
  }
}

/** The key is the file's own, so a frame's number is never used twice with it. */
function nonceOf(place: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(place), NONCE_BYTES - 8);
  return nonce;
}
