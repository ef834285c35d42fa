import { ByteReader } from "./byte-reader.ts";
import { maskedCrc32c } from "./crc32c.ts";
import { decodeS2Block } from "./s2-block.ts";

/*
 * Snapshots of nats-server are compressed as S2 frames: a type, a length of three bytes, and a body. See
 * https://github.com/google/snappy/blob/main/framing_format.txt, which S2 extends.
 */

const COMPRESSED = 0;
const PLAIN = 1;
const STREAM_BEGINS = 0xff;
/** Types from here on may be skipped. */
const SKIPPABLE = 0x80;
const CHECKSUM_BYTES = 4;
const PLAIN_BYTES = 65_536;
const BEGIN = Buffer.concat([Buffer.from([STREAM_BEGINS, 6, 0, 0]), Buffer.from("S2sTwO")]);

/** Decompresses S2 or Snappy frames, and compares their checksums. Rejects with an Error for damaged ones. */
export async function* fromS2(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const reader = new ByteReader(chunks);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const head = await reader.exactly(4);
      if (head === undefined) return;
      const type = head[0] as number;
      if (isFirst && type !== STREAM_BEGINS) throw new Error("it is no compressed snapshot");
      const length = head.readUIntLE(1, 3);
      const body = length === 0 ? Buffer.alloc(0) : await reader.exactly(length);
      if (body === undefined) throw new Error("it ends too early");
      if (type >= SKIPPABLE) continue;
      if ((type !== COMPRESSED && type !== PLAIN) || length < CHECKSUM_BYTES)
        throw new Error(`it has a frame of the unknown type ${type}`);
      const rest = body.subarray(CHECKSUM_BYTES);
      const content = type === PLAIN ? rest : decodeS2Block(rest);
      if (maskedCrc32c(content) !== body.readUInt32LE(0)) throw new Error("a block has another checksum");
      yield content;
    }
  } finally {
    await reader.close();
  }
}

/** Frames of S2 without compression: any reader of S2 takes them. */
export async function* asS2(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield BEGIN;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PLAIN_BYTES) {
      const content = chunk.subarray(at, at + PLAIN_BYTES);
      const head = Buffer.alloc(4 + CHECKSUM_BYTES);
      head[0] = PLAIN;
      head.writeUIntLE(content.length + CHECKSUM_BYTES, 1, 3);
      head.writeUInt32LE(maskedCrc32c(content), 4);
      yield Buffer.concat([head, content]);
    }
  }
}
