import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeSecret } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { FORMATS, inFormat, withFormat } from "@adaos/core/wire";
import { z } from "zod";
import type { OwnCertificates } from "./protocol.ts";

/** What a machine keeps of its join, to ask the root for its files again. Secret. */
export interface JoinedFile {
  /** Address of the root's server. */
  readonly root: { readonly host: string; readonly port: number };
  readonly tls: boolean;
  readonly subnet: string;
  /** Undefined: the subnet's hub. */
  readonly member?: string | undefined;
  /** Opens the root's answers; base64. */
  readonly sealKey: string;
  /** In a mesh that has no CA of its own. */
  readonly certificates?: OwnCertificates | undefined;
  /** The root's digest of the files that were written last. */
  readonly digest?: string | undefined;
  /** Digest of the same files in this folder, by which it sees that somebody has changed them. */
  readonly files?: string | undefined;
}

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
const path = z.string().min(1);
const schema: z.ZodType<JoinedFile> = z.object({
  root: z.object({ host: z.string().min(1), port: z.number().int() }),
  tls: z.boolean(),
  subnet: name,
  member: name.optional(),
  sealKey: z.base64(),
  certificates: z.object({ caFile: path, certFile: path.optional(), keyFile: path.optional() }).optional(),
  digest: z.string().optional(),
  files: z.string().optional(),
});

const fileIn = (stateDir: string): string => join(stateDir, "keys", "joined.json");

/**
 * Undefined in a folder that has not joined, or has joined before machines could ask again. Throws `invalid-config` for
 * a damaged file.
 */
export function readJoinedFile(stateDir: string): JoinedFile | undefined {
  const file = fileIn(stateDir);
  if (!existsSync(file)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
    if (typeof content === "object" && content !== null)
      return schema.parse(inFormat(FORMATS.joined, content, file));
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} is damaged; join again with a new code`);
  }
  throw new MeshError("invalid-config", `${file} is damaged; join again with a new code`);
}

/** Throws the system's error. */
export function writeJoinedFile(stateDir: string, joined: JoinedFile): void {
  writeSecret(fileIn(stateDir), `${JSON.stringify(withFormat(FORMATS.joined, joined))}\n`);
}
