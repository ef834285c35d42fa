import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { readSeed, writeSecret } from "./secret-file.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-secret-file-"));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

describe("readSeed()", () => {
  function seedFile(mode: number): string {
    const file = join(dir, "seed.nk");
    rmSync(file, { force: true });
    writeFileSync(file, "SUAEXAMPLE\n");
    chmodSync(file, mode);
    return file;
  }

  test.each([0o600, 0o400])("reads a seed of mode %o without its line end", (mode) => {
    expect(readSeed(seedFile(mode))).toBe("SUAEXAMPLE");
  });

  test.each([0o644, 0o640, 0o604, 0o620, 0o601, 0o777])(
    "refuses one of mode %o and says how to mend it, without the seed",
    (mode) => {
      const file = seedFile(mode);
      const { code, message } = meshErrorOf(() => readSeed(file));
      expect([code, message]).toEqual([
        "invalid-config",
        `${file} holds a secret and others may read it; run: chmod 600 ${file}`,
      ]);
    },
  );

  test("says of a file that is missing which it is", () => {
    const { code, message } = meshErrorOf(() => readSeed(join(dir, "none.nk")));
    expect([code, message]).toEqual([
      "invalid-config",
      expect.stringContaining("none.nk cannot be read: ENOENT"),
    ]);
  });
});

describe("writeSecret()", () => {
  test("makes folder and file readable by their owner only", () => {
    const file = join(dir, "keys/alpha/new.nk");
    writeSecret(file, "SUAEXAMPLE");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, "keys")).mode & 0o777).toBe(0o700);
    expect(readSeed(file)).toBe("SUAEXAMPLE");
  });

  test("takes rights away from a file that is there already", () => {
    const file = join(dir, "old.nk");
    writeFileSync(file, "old", { mode: 0o644 });
    writeSecret(file, "new");
    expect(existsSync(file) && readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
