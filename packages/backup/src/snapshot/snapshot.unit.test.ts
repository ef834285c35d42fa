import { describe, expect, test } from "vitest";
import { gathered } from "../file/gathered.ts";
import { readHead, withConsumers } from "./archive-head.ts";
import { cutParts } from "./cut-parts.ts";
import { decodeS2Block } from "./s2-block.ts";
import { asS2, fromS2 } from "./s2-frames.ts";

async function* chunksOf(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** Numbers that look random and are always the same. */
function noise(length: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state >>> 24;
    }),
  );
}

describe("S2", () => {
  test.each([0, 1, 65_536, 200_001])(
    "frames of %i bytes are read again, in chunks of any size",
    async (length) => {
      const content = noise(length);
      const framed = await gathered(asS2(chunksOf(content, 7777)));
      for (const size of [1000, 65_543, 1_000_000])
        expect((await gathered(fromS2(chunksOf(framed, size)))).equals(content)).toBe(true);
    },
  );

  test("blocks have literals, copies that overlap, and repeated offsets", () => {
    // abc, then 6 bytes from 3 before, then the same offset again for 4 bytes.
    const block = Buffer.from([13, (3 - 1) << 2, 97, 98, 99, ((6 - 4) << 2) | 1, 3, 1, 0]);
    expect(decodeS2Block(block).toString()).toBe("abcabcabcabca");
  });

  test("damaged frames are refused: each flipped byte of a body, and each cut", async () => {
    const framed = await gathered(asS2(chunksOf(noise(300), 300)));
    for (let at = 10; at < framed.length; at++) {
      const flipped = Buffer.from(framed);
      flipped[at] = (flipped[at] ?? 0) ^ 16;
      // A frame of another type may be one to skip: then its content is missing.
      const read = await gathered(fromS2(chunksOf(flipped, 1000))).catch(() => undefined);
      expect(read === undefined || read.length === 0).toBe(true);
      if (at === framed.length - 1) continue;
      await expect(gathered(fromS2(chunksOf(framed.subarray(0, at + 1), 1000)))).rejects.toThrow();
    }
  });

  test("strange blocks end in an error, and take no memory", () => {
    for (let seed = 1; seed < 1000; seed++) {
      const block = noise(1 + (seed % 40), seed);
      try {
        expect(decodeS2Block(block, 65_536).length).toBeLessThanOrEqual(65_536);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
      }
    }
  });
});

describe("the head of a snapshot", () => {
  const entry = (name: string, seq: number, body: string): Buffer =>
    Buffer.concat([Buffer.from([name.length, 0, seq, 0, body.length]), Buffer.from(name + body)]);
  const magic = Buffer.from("NATSARC1");
  const messages = Buffer.concat([entry("evt.a", 1, "hello"), entry("evt.b", 2, "you"), Buffer.alloc(5)]);
  const bare = Buffer.concat([magic, entry("state.json", 0, '{"messages":2,"consumer_count":0}'), messages]);

  test("gets consumers, and gives them back; messages stay as they are", async () => {
    const consumers = [
      { name: "desk_ui", text: `{"state":{"pending":{"7":{"ts":1764519711001002003}}}}` },
      { name: "root", text: `{"config":"${"x".repeat(1000)}"}` },
    ];
    const whole = await gathered(withConsumers(chunksOf(bare, 3), consumers));
    const head = await readHead(chunksOf(whole, 11));
    expect(head.consumers).toEqual(consumers);
    expect(JSON.parse(head.state)).toEqual({ messages: 2, consumer_count: 2 });
    expect(whole.subarray(-messages.length).equals(messages)).toBe(true);
    expect((await readHead(chunksOf(bare, 1000))).consumers).toEqual([]);
  });

  test("of another form is refused", async () => {
    await expect(readHead(chunksOf(noise(2000), 100))).rejects.toThrow(/nats-server 2\.15/);
    for (let length = 1; length < bare.length - messages.length; length++)
      await expect(readHead(chunksOf(bare.subarray(0, length), 100))).rejects.toThrow();
  });
});

describe("cutParts", () => {
  test("keeps all bytes, within its bounds, whatever the chunks", async () => {
    const content = noise(6_000_000);
    const cut = async (size: number): Promise<Buffer[]> => {
      const parts: Buffer[] = [];
      for await (const part of cutParts(chunksOf(content, size))) parts.push(part);
      return parts;
    };
    const parts = await cut(1_000_000);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts.slice(0, -1)) {
      expect(part.length).toBeGreaterThanOrEqual(524_288);
      expect(part.length).toBeLessThanOrEqual(8_388_608);
    }
    expect((await cut(33_333)).map(({ length }) => length)).toEqual(parts.map(({ length }) => length));
  });

  test("cuts alike where the beginning is gone and more follows", async () => {
    const content = noise(12_000_000);
    const partsOf = async (all: Buffer): Promise<string[]> => {
      const texts: string[] = [];
      for await (const part of cutParts(chunksOf(all, 262_144))) texts.push(part.toString("latin1"));
      return texts;
    };
    const before = new Set(await partsOf(content));
    const after = await partsOf(Buffer.concat([content.subarray(100_000), noise(50_000, 9)]));
    const known = after.filter((part) => before.has(part)).reduce((sum, { length }) => sum + length, 0);
    expect(known).toBeGreaterThan(4_000_000);
  });

  test("cuts content without any variety", async () => {
    const parts: number[] = [];
    for await (const part of cutParts(chunksOf(Buffer.alloc(20_000_000), 262_144))) parts.push(part.length);
    expect(parts.reduce((sum, length) => sum + length, 0)).toBe(20_000_000);
    expect(Math.max(...parts)).toBeLessThanOrEqual(8_388_608);
  });
});
