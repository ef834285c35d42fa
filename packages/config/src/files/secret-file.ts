import { fchmodSync, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { secretPlace } from "./credentials.ts";
import { makeFolder } from "./make-folder.ts";
import { ownershipProblem } from "./own-folder.ts";
import { writeWhole } from "./write-whole.ts";

/** Reads an nkey seed. Throws `invalid-config` when others on this machine may read it too. */
export function readSeed(file: string): string {
  return readSecret(file, "seed");
}

/**
 * Reads a secret from its file, or from the credential that systemd has handed over in place of it. Throws
 * `invalid-config` when others on this machine may read the file too.
 * @param what Names it in the message: `seed`.
 */
export function readSecret(file: string, what: string): string {
  const place = secretPlace(file);
  try {
    // systemd lets only the user of the unit read a credential; its mode looks as if the group might.
    if (!place.isCredential) assertPrivate(file);
    return readFileSync(place.file, "utf8").trim();
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `the ${what} in ${file} cannot be read`);
  }
}

/**
 * Throws `invalid-config` when a file with a secret belongs to another user, when others on this machine may read
 * it, or when it does not exist.
 */
export function assertPrivate(file: string): void {
  let problem: string | undefined;
  try {
    const { mode } = statSync(file);
    const isOpen = process.platform !== "win32" && (mode & 0o077) !== 0;
    problem = isOpen ? `others may read it; run: chmod 600 ${file}` : ownershipProblem(resolve(file));
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `the secret in ${file} cannot be read`);
  }
  if (problem !== undefined) throw new MeshError("invalid-config", `${file} holds a secret and ${problem}`);
}

/** Writes a file with a secret as a whole. Only its owner may read it, and its folder. */
export function writeSecret(file: string, text: string): void {
  writeWhole(file, text, 0o600);
}

/** Opens a log for its owner only, its folder too: errors quote data of others. An existing log becomes private. */
export function openOwnLog(file: string, flags: "a" | "w"): number {
  makeFolder(dirname(file), 0o700);
  const handle = openSync(file, flags, 0o600);
  // A terminal or a pipe keeps its permissions.
  if (fstatSync(handle).isFile()) fchmodSync(handle, 0o600);
  return handle;
}
