/*
 * The file: MAGIC, a length and the header in JSON, then frames. A frame is the length of its body in four bytes, its
 * type in one, and its body. docs/reference/backup-file.md describes it.
 */

export const MAGIC: Buffer = Buffer.from("ADAOSBAK");
/** The format that this release writes; it reads no newer one. */
export const FORMAT = 1 as const;
export const MAX_HEADER_BYTES = 65_536;
export const FRAME_HEAD_BYTES = 5;
/** Bytes of content in a frame. */
export const PART_BYTES = 1_048_576;
/** A body is a little larger than its content: a byte for its coding, and the seal. */
export const MAX_BODY_BYTES: number = PART_BYTES + 1024;

/** `part`: content. `blob`: ends a blob. `manifest`: ends the manifest. `end`: SHA-256 of all before it. */
export const FRAMES = { part: 1, blob: 2, manifest: 3, end: 4 } as const;

/** A part's first byte. */
export const CODINGS = { plain: 0, deflated: 1 } as const;

export function frameHead(type: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(bodyBytes);
  head[4] = type;
  return head;
}
