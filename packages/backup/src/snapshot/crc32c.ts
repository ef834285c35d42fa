/** Eight tables, so that eight bytes are taken at a time. */
const TABLES: readonly Uint32Array[] = madeTables();

function madeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    first[i] = value >>> 0;
  }
  const tables = [first];
  for (let t = 1; t < 8; t++) {
    const before = tables[t - 1] ?? first;
    tables.push(before.map((value) => (value >>> 8) ^ (first[value & 255] ?? 0)));
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/** The Castagnoli checksum, rotated and offset as frames of Snappy and S2 have it. Pure. */
export function maskedCrc32c(content: Uint8Array): number {
  const { length } = content;
  let crc = 0xffffffff;
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    const a = crc ^ fourAt(content, i);
    crc =
      at(T7, a & 255) ^
      at(T6, (a >>> 8) & 255) ^
      at(T5, (a >>> 16) & 255) ^
      at(T4, a >>> 24) ^
      at(T3, content[i + 4] as number) ^
      at(T2, content[i + 5] as number) ^
      at(T1, content[i + 6] as number) ^
      at(T0, content[i + 7] as number);
  }
  for (; i < length; i++) crc = at(T0, (crc ^ (content[i] as number)) & 255) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function at(table: Uint32Array, index: number): number {
  return table[index] as number;
}

function fourAt(content: Uint8Array, i: number): number {
  return (
    (content[i] as number) |
    ((content[i + 1] as number) << 8) |
    ((content[i + 2] as number) << 16) |
    ((content[i + 3] as number) << 24)
  );
}
