/*
 * A stream is cut where its own bytes say so, not after so many of them: when it grows at its end and loses its
 * beginning, the parts between stay the same, and a later backup need not store them again.
 */

const MIN_BYTES = 524_288;
/** A part is about 2 MiB. */
const MAX_BYTES = 8_388_608;
const MASK = 0x1f_ff_ff;
/** Only so many bytes before a place decide whether it is cut there. */
const GEAR: Int32Array = madeGear();

/** The same content in parts of 0.5 to 8 MiB; the last may be shorter. */
export async function* cutParts(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let bytes = 0;
  let hash = 0;
  for await (const chunk of chunks) {
    let from = 0;
    while (from < chunk.length) {
      // No place is looked at before a part is large enough.
      const skipped = Math.min(chunk.length - from, Math.max(0, MIN_BYTES - 32 - bytes));
      const cut = cutIn(
        chunk,
        from + skipped,
        Math.min(chunk.length, from + MAX_BYTES - bytes),
        hash,
        bytes + skipped,
      );
      held.push(chunk.subarray(from, cut.at));
      bytes += cut.at - from;
      hash = cut.hash;
      from = cut.at;
      if (!cut.isCut && bytes < MAX_BYTES) continue;
      yield Buffer.concat(held, bytes);
      held = [];
      bytes = 0;
      hash = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(held, bytes);
}

/** The place behind the last byte of a part, or the end. @param bytes Bytes of the part before `from`. */
function cutIn(
  chunk: Buffer,
  from: number,
  end: number,
  before: number,
  bytes: number,
): { readonly at: number; readonly hash: number; readonly isCut: boolean } {
  let hash = before;
  const first = from + MIN_BYTES - bytes;
  for (let i = from; i < end; i++) {
    hash = ((hash << 1) + (GEAR[chunk[i] as number] as number)) | 0;
    if (i >= first && (hash & MASK) === 0) return { at: i + 1, hash: 0, isCut: true };
  }
  return { at: end, hash, isCut: false };
}

/** Any numbers do that are always the same. */
function madeGear(): Int32Array {
  let state = 0x2545f491;
  return Int32Array.from({ length: 256 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}
