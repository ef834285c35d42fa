import { createHash, hkdfSync, randomInt } from "node:crypto";
import { MeshError } from "@adaos/core";
import { seedNkey } from "@adaos/nats-server";
import { nkeys } from "nats";

/** Without letters that look like digits or other letters. */
const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** Digits of five bits each: one bit says whether the root speaks TLS, 94 are random. */
const SECRET_DIGITS = 19;
const GROUP = 5;

/** The secrets of a join code. Its holder can join by it, and can verify that answers come from its maker. */
export interface JoinCode {
  /** The printed form: four groups of five, the last digit a check of the others. */
  readonly text: string;
  /** Whether the root speaks TLS: nobody in between may deny it. */
  readonly tls: boolean;
  /** Id of the invitation; not secret. */
  readonly id: string;
  readonly publicKey: string;
  /** Seed of the nkey that the root's server admits. */
  readonly seed: string;
  /** Encrypts the root's answers; 32 bytes. */
  readonly sealKey: Uint8Array;
}

export function makeJoinCode(tls: boolean): JoinCode {
  const digits = Array.from({ length: SECRET_DIGITS }, () => randomInt(32));
  digits[0] = ((digits[0] ?? 0) & ~1) | (tls ? 1 : 0);
  return codeOf(digits.map((digit) => DIGITS[digit]).join(""));
}

/** Reads a typed code. Throws `usage` for a mistyped code, and does not repeat it. */
export function parseJoinCode(text: string): JoinCode {
  const typed = text.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  const secret = typed.slice(0, SECRET_DIGITS);
  const isWhole = typed.length === SECRET_DIGITS + 1 && [...typed].every((digit) => DIGITS.includes(digit));
  if (isWhole && checkDigit(secret) === typed.at(-1)) return codeOf(secret);
  throw new MeshError("usage", "this is no join code, or it is mistyped: it has four groups of five digits");
}

function codeOf(secret: string): JoinCode {
  const derive = (info: string): Uint8Array => new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
  // 94 random bits need no slow derivation.
  const seed = seedNkey(derive("adaos join: nkey"));
  const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  const digits = `${secret}${checkDigit(secret)}`;
  return {
    text: (digits.match(new RegExp(`.{${GROUP}}`, "g")) ?? []).join("-"),
    tls: (DIGITS.indexOf(secret[0] ?? "") & 1) === 1,
    id: publicKey.slice(1, 9).toLowerCase(),
    publicKey,
    seed,
    sealKey: derive("adaos join: answers"),
  };
}

function checkDigit(secret: string): string {
  return DIGITS[(createHash("sha256").update(`adaos join: check ${secret}`).digest()[0] ?? 0) & 31] ?? "";
}
