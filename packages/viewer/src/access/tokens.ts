import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assertPrivate, writeSecret } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { z } from "zod";
import { ROLES, type Role } from "./roles.ts";

/** The holder of a token, as audit records name him. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

const KEY_BYTES = 32;
/** Of a key in base64. */
const KEY_CHARS = 43;
/** A token has some 150 characters; a longer one is not read. */
const MAX_TOKEN_CHARS = 512;

const claimsSchema = z.strictObject({
  name: z.string().min(1).max(64),
  role: z.enum(ROLES),
  expiresMs: z.number().int(),
  id: z.string().min(1),
});

/** The key that signs tokens. Whoever reads it may make a token, so only its owner may read it. */
export function viewerKeyFile(stateDir: string): string {
  return join(stateDir, "viewer", "key");
}

/** Makes a token of the viewer of this state folder, and its key if there is none. Throws `invalid-config`. */
export function makeToken(stateDir: string, { name, role, expiresMs }: Caller): string {
  if (!existsSync(viewerKeyFile(stateDir))) revokeTokens(stateDir);
  const claims = { name, role, expiresMs, id: randomBytes(9).toString("base64url") };
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  return `${body}.${signatureOf(body, readKey(stateDir))}`;
}

/** Makes a new key: every token made before is refused from now on. */
export function revokeTokens(stateDir: string): void {
  writeSecret(viewerKeyFile(stateDir), `${randomBytes(KEY_BYTES).toString("base64url")}\n`);
}

/**
 * The holder of a token. Throws `denied` where the token is not of this viewer, or has expired; the message says no
 * more than that, since a stranger reads it.
 */
export function callerOf(token: string, stateDir: string, nowMs: number): Caller {
  const [body = "", signature = "", ...rest] = token.length > MAX_TOKEN_CHARS ? [] : token.split(".");
  const isWhole = rest.length === 0 && existsSync(viewerKeyFile(stateDir));
  const isOurs = isWhole && isEqual(signature, signatureOf(body, readKey(stateDir)));
  if (!isOurs)
    throw new MeshError("denied", "the token is not one of this viewer; adaos view gives a new one");
  const { name, role, expiresMs } = claimsSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString()));
  if (expiresMs <= nowMs) throw new MeshError("denied", "the token has expired; adaos view gives a new one");
  return { name, role, expiresMs };
}

function readKey(stateDir: string): string {
  const file = viewerKeyFile(stateDir);
  assertPrivate(file);
  const key = readFileSync(file, "utf8").trim();
  // Anybody could sign with a key that is empty or cut.
  if (key.length >= KEY_CHARS) return key;
  throw new MeshError("invalid-config", `${file} is damaged; run: adaos view token --revoke-all`);
}

function signatureOf(body: string, key: string): string {
  return createHmac("sha256", key).update(body).digest("base64url");
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
