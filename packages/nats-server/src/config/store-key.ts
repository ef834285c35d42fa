import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { assertPrivate, makeFolder, writeSecret, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { ServerSettings } from "./compile.ts";

/**
 * The key with which a server encrypts its streams. Its file is an entry of a server's config, which includes it: so
 * the key is stored nowhere else.
 */

const KEY_FILE = /^key: "([A-Za-z0-9_-]{43,512})"\n?$/;
const KEY_BYTES = 32;
const ID_LENGTH = 16;

/** Beside a server's streams: which key they need. */
const MARK = "key-id";

/** There while the streams in a folder are replaced by those of another key: no server may start meanwhile. */
export function keyChangeFile(storeDir: string): string {
  return `${storeDir}.changing-key`;
}

/** Makes a new key. Throws `usage` when the file exists: a key that is lost takes its streams along. */
export function newStoreKey(file: string): string {
  if (existsSync(file))
    throw new MeshError("usage", `${file} exists; a store may need it, so name a new file`);
  writeSecret(file, `key: "${randomBytes(KEY_BYTES).toString("base64url")}"\n`);
  return readStoreKeyId(file);
}

/** The id of the key in a file; it tells nothing about the key. Throws `invalid-config` for an unusable file. */
export function readStoreKeyId(file: string): string {
  assertPrivate(file);
  const [, key] = KEY_FILE.exec(readFileSync(file, "utf8")) ?? [];
  if (key === undefined)
    throw new MeshError(
      "invalid-config",
      `${file} holds no key of a store; make one: adaos store new-key FILE`,
    );
  return createHash("sha256").update(`adaos store key\0${key}`).digest("hex").slice(0, ID_LENGTH);
}

/** The key's file of a server, given the file of its config. Undefined for a server that does not encrypt. Pure. */
export function storeKeyFile(
  configFile: string,
  { encryption }: Pick<ServerSettings, "encryption">,
): string | undefined {
  return encryption === undefined ? undefined : resolve(dirname(configFile), encryption.keyInclude);
}

/**
 * Checks that a server will read its streams: they need the key with which they were written. Call it before a server
 * starts and before a stream is created. A server with another key reports its streams as missing, and deletes their
 * files when they are created again (measured with nats-server 2.15.1). Throws `invalid-config`.
 * @param keyFile Undefined: the server does not encrypt.
 */
export function assertStoreKey(storeDir: string, keyFile: string | undefined): void {
  if (existsSync(keyChangeFile(storeDir)))
    throw new MeshError(
      "invalid-config",
      `the change of the key of ${storeDir} was interrupted; run the same adaos store rekey again`,
    );
  const keyId = keyFile === undefined ? undefined : readStoreKeyId(keyFile);
  const needed = storeKeyIdOf(storeDir);
  if (needed === undefined) assertKnown(storeDir, keyId);
  if (needed === undefined || needed === keyId) return;
  const given = keyId === undefined ? "no key is configured" : `${keyFile} holds the key ${keyId}`;
  throw new MeshError(
    "invalid-config",
    `the streams in ${storeDir} need the key ${needed}, and ${given}; name their key as encryption.keyFile, or change it with adaos store rekey`,
  );
}

/** As {@link assertStoreKey}, and records the key of streams that are about to be written. */
export function claimStore(storeDir: string, keyFile: string | undefined): void {
  assertStoreKey(storeDir, keyFile);
  if (keyFile !== undefined) markStore(storeDir, readStoreKeyId(keyFile));
}

/** Records which key the streams in a folder need. Throws the system's error. */
export function markStore(storeDir: string, keyId: string | undefined): void {
  const mark = join(storeDir, MARK);
  if (keyId === undefined) {
    rmSync(mark, { force: true });
    return;
  }
  if (storeKeyIdOf(storeDir) === keyId) return;
  makeFolder(storeDir, 0o700);
  writeWhole(mark, `${keyId}\n`);
}

/**
 * The id of the key that the streams in a folder need. Undefined when they are not encrypted or not there, and when the
 * record is lost, which {@link assertStoreKey} tells.
 */
export function storeKeyIdOf(storeDir: string): string | undefined {
  const mark = join(storeDir, MARK);
  const text = existsSync(mark) ? readFileSync(mark, "utf8").trim() : "";
  return text === "" ? undefined : text;
}

/** Whether a server has encrypted streams in a folder: it keeps an encrypted key of each beside it. */
function isEncrypted(storeDir: string): boolean {
  const accounts = join(storeDir, "jetstream");
  return namesIn(accounts).some((account) => {
    const streams = join(accounts, account, "streams");
    return namesIn(streams).some((stream) => existsSync(join(streams, stream, "meta.key")));
  });
}

/** The record is gone, for example since only the streams were copied here: any key would pass, and destroy them. */
function assertKnown(storeDir: string, keyId: string | undefined): void {
  if (!isEncrypted(storeDir)) return;
  const mark = join(storeDir, MARK);
  const remedy =
    keyId === undefined
      ? "name their key"
      : `if it is the given key, write its id ${keyId} into that file; with another key they would be lost`;
  throw new MeshError(
    "invalid-config",
    `the streams in ${storeDir} are encrypted, and ${mark}, which tells with which key, is missing; ${remedy}`,
  );
}

function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}
