import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { assertPrivate, writeSecret } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, messageOf, withFormat } from "@adaos/core/wire";
import { z } from "zod";
import { ROLES, type Role } from "./roles.ts";

/** The holder of a token, as audit records name him. */
export interface Holder {
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since 1970. Without it the token is good until it is revoked. */
  readonly expiresMs?: number | undefined;
}

/** Who asks, and the token that he has shown. */
export interface Caller extends Holder {
  /** Of the token; no secret. */
  readonly id: string;
}

/** A token as its owner may list it. */
export interface ListedToken extends Caller {
  /** Milliseconds since 1970. */
  readonly madeMs: number;
}

/** Of one state folder. Expired ones make room. */
export const MAX_TOKENS = 1000;
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const ID = /^[0-9a-f]{12}$/;
const TOKEN = /^([0-9a-f]{12})\.([\w-]{43})$/;
const FILE_NAME = /^([0-9a-f]{12})\.json$/;

const tokenSchema = z.strictObject({
  name: z.string().min(1).max(64),
  role: z.enum(ROLES),
  madeMs: z.number().int(),
  expiresMs: z.number().int().exactOptional(),
  /** SHA-256 of the secret, which has 256 random bits: nobody finds it by trying. */
  hash: z.string().length(43),
});

/**
 * Makes a token of the viewer of this state folder. Only its hash is kept. Throws `usage` where there are
 * {@link MAX_TOKENS} already, or the system's error.
 */
export function makeToken(stateDir: string, { name, role, expiresMs }: Holder): string {
  const nowMs = Date.now();
  makeRoom(stateDir, nowMs);
  const id = randomBytes(ID_BYTES).toString("hex");
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const kept = {
    name,
    role,
    madeMs: nowMs,
    ...(expiresMs === undefined ? {} : { expiresMs }),
    hash: hashOf(secret),
  };
  writeSecret(tokenFile(stateDir, id), `${JSON.stringify(withFormat(FORMATS.viewerToken, kept))}\n`);
  return `${id}.${secret}`;
}

/**
 * The tokens that are still good, oldest first. Throws the system's error.
 * @param say Called for each file that cannot be read.
 */
export function listTokens(stateDir: string, nowMs: number, say: (line: string) => void): ListedToken[] {
  return readAll(stateDir, say)
    .filter(({ expiresMs = nowMs + 1 }) => expiresMs > nowMs)
    .sort((a, b) => a.madeMs - b.madeMs);
}

/** Refuses a token from now on, a damaged one too. Returns whether there was one. Throws the system's error. */
export function revokeToken(stateDir: string, id: string): boolean {
  if (!isTokenKept(stateDir, id)) return false;
  rmSync(tokenFile(stateDir, id), { force: true });
  return true;
}

/** Refuses every token made before. Returns their number, expired ones too. Throws the system's error. */
export function revokeTokens(stateDir: string): number {
  return idsIn(stateDir).filter((id) => revokeToken(stateDir, id)).length;
}

/** Whether a token was not revoked; it may have expired. */
export function isTokenKept(stateDir: string, id: string): boolean {
  return ID.test(id) && existsSync(tokenFile(stateDir, id));
}

/**
 * The holder of a token. Throws `denied` where the token is not of this viewer, was revoked or has expired. The message
 * says no more than that, since a stranger reads it.
 */
export function callerOf(token: string, stateDir: string, nowMs: number): Caller {
  const [, id = "", secret = ""] = TOKEN.exec(token) ?? [];
  const kept = isTokenKept(stateDir, id) ? readToken(stateDir, id) : undefined;
  if (kept === undefined || !isEqual(kept.hash, hashOf(secret)))
    throw new MeshError(
      "denied",
      "the token is not one of this viewer, or was revoked; adaos view gives a new one",
    );
  const { name, role, expiresMs } = kept;
  if (expiresMs !== undefined && expiresMs <= nowMs)
    throw new MeshError("denied", "the token has expired; adaos view gives a new one");
  return { id, name, role, expiresMs };
}

function tokenFile(stateDir: string, id: string): string {
  return join(tokensDir(stateDir), `${id}.json`);
}

function tokensDir(stateDir: string): string {
  return join(stateDir, "viewer", "tokens");
}

function idsIn(stateDir: string): string[] {
  const dir = tokensDir(stateDir);
  if (!existsSync(dir)) return [];
  return readdirSync(dir).flatMap((name) => FILE_NAME.exec(name)?.[1] ?? []);
}

function makeRoom(stateDir: string, nowMs: number): void {
  if (idsIn(stateDir).length < MAX_TOKENS) return;
  const gone = readAll(stateDir, () => undefined).filter(({ expiresMs = nowMs + 1 }) => expiresMs <= nowMs);
  for (const { id } of gone) revokeToken(stateDir, id);
  if (gone.length > 0) return;
  throw new MeshError(
    "usage",
    `the viewer has ${MAX_TOKENS} tokens already; revoke some: adaos view token revoke ID`,
  );
}

function readAll(stateDir: string, say: (line: string) => void): ListedToken[] {
  return idsIn(stateDir).flatMap((id) => {
    try {
      const kept = readToken(stateDir, id);
      if (kept === undefined) return [];
      const { hash: _, ...told } = kept;
      return [{ id, ...told }];
    } catch (thrown) {
      say(messageOf(thrown));
      return [];
    }
  });
}

/** Undefined where it was revoked just now. Throws `invalid-config` for a file that is damaged, or open to others. */
function readToken(stateDir: string, id: string): z.infer<typeof tokenSchema> | undefined {
  const file = tokenFile(stateDir, id);
  try {
    assertPrivate(file);
    return tokenSchema.parse(inFormat(FORMATS.viewerToken, JSON.parse(readFileSync(file, "utf8")), file));
  } catch (thrown) {
    if (!existsSync(file)) return undefined;
    if (thrown instanceof MeshError) throw thrown;
    throw new MeshError("invalid-config", `${file} is damaged; run: adaos view token revoke ${id}`, {
      cause: thrown,
    });
  }
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
