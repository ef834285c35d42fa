/** The largest block that S2 frames hold. */
const MAX_BLOCK_BYTES = 4_194_304;

/**
 * Decompresses one block of S2, which is Snappy's with repeated offsets. Throws an Error for a damaged one. Pure.
 * @param most Bytes that it may have when decompressed.
 */
export function decodeS2Block(block: Buffer, most: number = MAX_BLOCK_BYTES): Buffer {
  const { value: length, next } = uvarint(block);
  if (length > most) throw new Error(`a block of ${length} bytes is too large`);
  const out = Buffer.allocUnsafe(length);
  let from = next;
  let to = 0;
  let offset = 0;
  while (from < block.length) {
    const tag = block[from] as number;
    let count: number;
    if ((tag & 3) === 0) {
      const extra = (tag >>> 2) - 59;
      count = extra > 0 ? block.readUIntLE(from + 1, extra) + 1 : (tag >>> 2) + 1;
      from += 1 + Math.max(0, extra);
      if (from + count > block.length || to + count > length) throw damaged();
      block.copy(out, to, from, from + count);
      from += count;
      to += count;
      continue;
    }
    if ((tag & 3) === 1) {
      count = (tag >>> 2) & 7;
      const near = ((tag & 0xe0) << 3) | block.readUInt8(from + 1);
      from += 2;
      if (near !== 0) offset = near;
      else if (count === 5) {
        count = block.readUInt8(from) + 4;
        from += 1;
      } else if (count === 6) {
        count = block.readUInt16LE(from) + 256;
        from += 2;
      } else if (count === 7) {
        count = block.readUIntLE(from, 3) + 65_536;
        from += 3;
      }
      count += 4;
    } else {
      const bytes = (tag & 3) === 2 ? 2 : 4;
      count = (tag >>> 2) + 1;
      offset = block.readUIntLE(from + 1, bytes);
      from += 1 + bytes;
    }
    if (offset === 0 || offset > to || to + count > length) throw damaged();
    copyWithin(out, to, offset, count);
    to += count;
  }
  if (to !== length) throw damaged();
  return out;
}

/** Copies from `offset` bytes before: what overlaps is repeated. */
function copyWithin(out: Buffer, to: number, offset: number, count: number): void {
  if (count <= 24) {
    for (let i = 0; i < count; i++) out[to + i] = out[to + i - offset] as number;
    return;
  }
  for (let done = 0; done < count; ) {
    const part = Math.min(count - done, offset + done);
    out.copyWithin(to + done, to - offset, to - offset + part);
    done += part;
  }
}

function uvarint(block: Buffer): { readonly value: number; readonly next: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block.readUInt8(i);
    value += (byte & 127) * 2 ** (7 * i);
    if (byte < 128) return { value, next: i + 1 };
  }
  throw damaged();
}

function damaged(): Error {
  return new Error("a compressed block is damaged");
}
