import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeWhole, writeWholeSynced } from "./write-whole.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-write-whole-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe.each([
  ["writeWhole()", async (file: string, text: string) => writeWhole(file, text)],
  ["writeWholeSynced()", (file: string, text: string) => writeWholeSynced(file, Buffer.from(text))],
])("%s", (_, write) => {
  test("makes file and folder for their owner only, and leaves nothing beside the file", async () => {
    await write(join(dir, "state/a"), "one");
    await write(join(dir, "state/a"), "two");
    expect(readFileSync(join(dir, "state/a"), "utf8")).toBe("two");
    expect([modeOf(join(dir, "state")), modeOf(join(dir, "state/a"))]).toEqual([0o700, 0o600]);
    expect(readdirSync(join(dir, "state"))).toEqual(["a"]);
  });

  test("takes no file that happens to be called .new", async () => {
    writeFileSync(join(dir, "a.new"), "mine");
    await write(join(dir, "a"), "one");
    expect(readFileSync(join(dir, "a.new"), "utf8")).toBe("mine");
  });

  test("leaves nothing behind when it fails", async () => {
    mkdirSync(join(dir, "a"));
    await expect(write(join(dir, "a"), "one")).rejects.toThrow();
    expect(readdirSync(dir)).toEqual(["a"]);
  });
});

describe("writeWholeSynced()", () => {
  test("gives several who write at a time a whole file of one of them", async () => {
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    await Promise.all(texts.map((text) => writeWholeSynced(join(dir, "a"), Buffer.from(text))));
    expect(texts).toContain(readFileSync(join(dir, "a"), "utf8"));
  });
});
