import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { MeshError } from "@adaos/core";

/** Reads an nkey seed. Throws `invalid-config` when others on this machine may read it too. */
export function readSeed(file: string): string {
  try {
    assertPrivate(file);
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `the seed in ${file} cannot be read`);
  }
}

/** Throws `invalid-config` when others on this machine may read a file that holds a secret, or when it is not there. */
export function assertPrivate(file: string): void {
  try {
    const { mode } = statSync(file);
    if (process.platform === "win32" || (mode & 0o077) === 0) return;
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `the secret in ${file} cannot be read`);
  }
  throw new MeshError(
    "invalid-config",
    `${file} holds a secret and others may read it; run: chmod 600 ${file}`,
  );
}

/** Writes a file that holds a secret, readable by its owner only, its folder too. */
export function writeSecret(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, text, { mode: 0o600 });
  // The mode above counts only for a file that is new.
  chmodSync(file, 0o600);
}
