import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { KnownEvent } from "@adaos/core/wire";
import type { FileRegistry } from "./file-registry.ts";
import type { EventRecord } from "./record.ts";

/**
 * Facts that this program read from the texts of a registry: a reader of the same texts need not parse and check
 * them again, which is half of a daemon's start.
 */
export interface RegistryProof {
  /** Digest of each text that was read, by its path. */
  readonly digests: Readonly<Record<string, string>>;
  readonly records: readonly EventRecord[];
  readonly hash: string;
  readonly events: readonly KnownEvent[];
}

interface ProofFile extends RegistryProof {
  readonly program: string;
}

export function textDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The text of a proof file for this registry; undefined where its source texts are unknown. */
export function proofText({ digests, records, hash, events }: FileRegistry): string | undefined {
  if (digests === undefined) return undefined;
  const proof: ProofFile = {
    program: programId(),
    digests: Object.fromEntries(digests),
    records,
    hash,
    events,
  };
  return `${JSON.stringify(proof)}\n`;
}

/** Reads a proof file of the state folder; undefined where it is missing or another program's. */
export function readProof(file: string | undefined): RegistryProof | undefined {
  if (file === undefined) return undefined;
  try {
    const { program, ...proof } = JSON.parse(readFileSync(file, "utf8")) as ProofFile;
    return program === programId() ? proof : undefined;
  } catch {
    // A proof only saves work: without it everything is read and checked.
    return undefined;
  }
}

/** Written into the bundle, whose files are of one build. */
declare const ADAOS_BUILD: string | undefined;

/** Identifies this build: another build may have other rules. */
function programId(): string {
  if (typeof ADAOS_BUILD === "string") return ADAOS_BUILD;
  const file = fileURLToPath(import.meta.url);
  const { size, mtimeMs } = statSync(file);
  return `${basename(file)} ${size} ${mtimeMs}`;
}
