import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loadCompiled } from "./code-cache.ts";

let dir: string;
let cache: string;
let file: string;
beforeEach(() => {
  vi.useFakeTimers();
  dir = mkdtempSync(join(tmpdir(), "adaos-code-"));
  cache = join(dir, "cache/code");
  file = join(dir, "script.cjs");
  write("0a", "exports.answer = () => 42;");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

function write(build: string, text: string): void {
  writeFileSync(file, `/* build ${build} */ const path = require("node:path");\n${text}\n`);
}

interface Loaded {
  answer(): unknown;
}

const load = (): Loaded => loadCompiled(file, cache) as Loaded;

/** Loads it, and waits until its code is kept. */
function loadLong(): Loaded {
  const loaded = load();
  loaded.answer();
  vi.runAllTimers();
  return loaded;
}

const kept = (): string[] => readdirSync(cache).map((name) => join(cache, name));

describe("loadCompiled()", () => {
  test("keeps the code of its first run, and gives the same with it", () => {
    expect(loadLong().answer()).toBe(42);
    expect(kept()).toEqual([expect.stringMatching(/script\.cjs-[0-9a-f]+-0a-\d+\.v8$/)]);
    expect(load().answer()).toBe(42);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("takes no code of another build", () => {
    loadLong();
    // As long as the one before, which is all that V8 looks at.
    write("0b", "exports.answer = () => 43;");
    expect(loadLong().answer()).toBe(43);
    expect(kept()).toHaveLength(2);
  });

  test.each([
    ["damaged", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8, 1)])],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, 100)],
    ["empty", () => Buffer.alloc(0)],
  ])("takes no code that is %s, and keeps it anew", (_, spoil) => {
    loadLong();
    const [code = ""] = kept();
    writeFileSync(code, spoil(readFileSync(code)));
    expect(loadLong().answer()).toBe(42);
    expect(load().answer()).toBe(42);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("takes no code from a folder to which others may write, and writes none there", () => {
    loadLong();
    const [code = ""] = kept();
    chmodSync(cache, 0o777);
    expect(load().answer()).toBe(42);
    rmSync(code);
    vi.runAllTimers();
    expect(kept()).toEqual([]);
  });

  test("goes on where nothing can be kept", () => {
    writeFileSync(join(dir, "cache"), "a file");
    expect(loadLong().answer()).toBe(42);
  });

  test("keeps no more than 24 files: the last ones", () => {
    loadLong();
    for (let i = 0; i < 30; i++) {
      const old = join(cache, `old-${i}.v8`);
      writeFileSync(old, "");
      utimesSync(old, i, i);
    }
    write("0c", "exports.answer = () => 44;");
    loadLong();
    const names = readdirSync(cache);
    expect(names).toHaveLength(24);
    expect(names.filter((name) => name.startsWith("script"))).toHaveLength(2);
    expect(names).not.toContain("old-0.v8");
  });

  test("shows where an error is, in the first line as in any", () => {
    writeFileSync(file, "/* build 0d */ exports.answer = () => new Error('here');\n");
    loadLong();
    expect(String((load().answer() as Error).stack)).toContain(`${file}:1:39`);
  });

  test("leaves the script to Node where stacks are mapped to sources", () => {
    vi.spyOn(process, "sourceMapsEnabled", "get").mockReturnValue(true);
    expect(load().answer()).toBe(42);
    expect(vi.getTimerCount()).toBe(0);
  });
});
