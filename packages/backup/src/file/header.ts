import { createHash } from "node:crypto";
import { MeshError } from "@adaos/core";
import { z } from "zod";
import { FORMAT, MAGIC, MAX_HEADER_BYTES } from "./frame.ts";
import { type SealSettings, sealSchema } from "./seal.ts";

/** The beginning of a backup, never encrypted. */
export interface BackupHeader {
  readonly format: typeof FORMAT;
  readonly id: string;
  /** RFC 3339. */
  readonly madeAt: string;
  /** Another backup in the same folder, whose content this one goes on from. */
  readonly base?: { readonly id: string; readonly file: string } | undefined;
  /** Absent: nothing is encrypted. */
  readonly seal?: SealSettings | undefined;
}

const headerSchema: z.ZodType<BackupHeader> = z.strictObject({
  format: z.literal(FORMAT),
  id: z.string().min(1).max(64),
  madeAt: z.string().min(1).max(64),
  base: z
    .strictObject({ id: z.string().min(1).max(64), file: z.string().regex(/^[^/\\\0]{1,255}$/) })
    .optional(),
  seal: sealSchema.optional(),
});

export function headerBytes(header: BackupHeader): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([MAGIC, length, text]);
}

/** Of the header as it stands in the file: seals of frames are bound to it. */
export function headerDigest(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** Bytes of the header that begins so; undefined for another file. Pure. */
export function headerLength(begin: Buffer): number | undefined {
  if (begin.length < MAGIC.length + 4 || !begin.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const length = begin.readUInt32BE(MAGIC.length);
  return length > MAX_HEADER_BYTES ? undefined : MAGIC.length + 4 + length;
}

/** Throws `invalid-config` for a damaged header and for a newer format. */
export function parseHeader(bytes: Buffer, file: string): BackupHeader {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8", MAGIC.length + 4));
  } catch (cause) {
    throw new MeshError("invalid-config", `${file} is damaged: its header cannot be read`, { cause });
  }
  const format = z.object({ format: z.number() }).safeParse(value).data?.format;
  if (format !== undefined && format > FORMAT)
    throw new MeshError(
      "invalid-config",
      `${file} has the format ${format}, and this release reads ${FORMAT}; restore it with a newer release`,
    );
  const parsed = headerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new MeshError("invalid-config", `${file} is damaged: its header is not as it should be`);
}
