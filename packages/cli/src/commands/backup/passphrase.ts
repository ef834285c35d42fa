import { readFileSync } from "node:fs";
import { assertPrivate } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { Option } from "commander";

export interface PassphraseOptions {
  readonly passphraseFile?: string;
}

export function passphraseOption(): Option {
  return new Option("--passphrase-file <file>", "encrypts the backup, and opens it; - reads standard input");
}

/**
 * The first line of the file. Throws `usage` when it cannot be read or is empty, `invalid-config` when others may
 * read it.
 */
export function readPassphrase({ passphraseFile: file }: PassphraseOptions): string | undefined {
  if (file === undefined) return undefined;
  if (file !== "-") assertPrivate(file);
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    throw MeshError.from(cause, "usage", `the passphrase in ${file} cannot be read`);
  }
  const [line = ""] = text.split(/\r?\n/, 1);
  if (line !== "") return line;
  throw new MeshError("usage", `the first line of ${file === "-" ? "standard input" : file} is empty`);
}
