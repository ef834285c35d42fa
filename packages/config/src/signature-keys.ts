import { randomBytes } from "node:crypto";
import { MeshError } from "@adaos/core";
import {
  SIGNATURE_KEY_BYTES,
  type SignatureKey,
  type SubnetSignatures,
  signatureKey,
} from "@adaos/core/wire";
import { z } from "zod";
import { readSecret, writeSecret } from "./files/secret-file.ts";

const keyId = z.string().regex(/^[a-z0-9-]{1,32}$/, "must be 1 to 32 of a-z 0-9 -");

/** 32 bytes. */
const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;
const MAX_KEYS = 16;
/** 14 days: the default time that a subnet keeps handled events. */
const MAX_AGE_MS = 1_209_600_000;

const maxAgeMs = z
  .number()
  .int()
  .min(1000)
  .max(315_360_000_000)
  .default(MAX_AGE_MS)
  .describe(
    "largest age of an event when its own subnet stores it, time in an outbox included; a replayed or stored event may be older",
  );
const required = z
  .boolean()
  .default(true)
  .describe("false: unsigned events pass too, while signatures are being introduced or removed");

/** `signatures` of a subnet in a mesh file. */
export const signatureRulesSchema = z
  .strictObject({
    sign: keyId.describe("id of the key that signs; provisioning makes it"),
    accept: z
      .array(keyId)
      .min(1)
      .max(MAX_KEYS)
      .optional()
      .describe("ids of the accepted keys; by default the signing key"),
    maxAgeMs,
    required,
  })
  .refine(({ sign, accept }) => accept === undefined || accept.includes(sign), {
    path: ["accept"],
    error: "must contain the signing key",
  })
  .transform(({ accept, ...rest }) => ({ ...rest, accept: [...new Set(accept ?? [rest.sign])] }))
  .describe("every event of the subnet is signed by HMAC-SHA256, and refused if its signature is wrong");

/** `signatures` of a node file, by subnet: the node's own, and those whose events may reach it. */
export const nodeSignaturesSchema = z
  .record(
    z.string(),
    z
      .strictObject({
        sign: keyId.optional().describe("the key that signs; without it the node only verifies"),
        keys: z.record(keyId, z.string().min(1)).describe("files of mode 0600 by the ids of their keys"),
        maxAgeMs,
        required,
      })
      .refine(({ sign, keys }) => sign === undefined || Object.hasOwn(keys, sign), {
        path: ["sign"],
        error: "must be one of the keys",
      }),
  )
  .default({});

/**
 * Reads the keys in a node file. Throws `invalid-config` when a key is missing or damaged, or when others may read
 * it.
 */
export function readSignatures(
  bySubnet: z.output<typeof nodeSignaturesSchema>,
  path: (path: string) => string,
): ReadonlyMap<string, SubnetSignatures> {
  return new Map(
    Object.entries(bySubnet).map(([subnet, { sign, keys, ...limits }]) => {
      const read = Object.entries(keys).map(([id, file]) => [id, readSignatureKey(path(file))] as const);
      return [subnet, { sign, keys: new Map(read), ...limits }];
    }),
  );
}

/** Throws `invalid-config`. */
export function readSignatureKey(file: string): SignatureKey {
  const text = readSecret(file, "signature key");
  if (KEY_TEXT.test(text)) return signatureKey(Buffer.from(text, "base64url"));
  throw new MeshError("invalid-config", `${file} contains no signature key; restore its former content`);
}

/** Writes a new key, readable by its owner only. */
export function newSignatureKey(file: string): void {
  writeSecret(file, `${randomBytes(SIGNATURE_KEY_BYTES).toString("base64url")}\n`);
}
