import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../../test/kit/mesh.ts";
import { FolderWatch } from "./folder-watch.ts";

let dir: string;
let watch: FolderWatch;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-watch-"));
  watch = new FolderWatch(dir);
});
afterEach(() => {
  watch.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Checks until nothing is left: a system may report earlier changes late. */
async function settled(): Promise<void> {
  await until("nothing has changed", () => !watch.take(0));
}

describe("FolderWatch.take()", () => {
  test("asks for a look at first, and for none while nothing changes", async () => {
    expect(watch.take(0)).toBe(true);
    await settled();
    expect(watch.take(4999)).toBe(false);
  });

  test("asks for a look when a file of the folder, or of one below, is written", async () => {
    mkdirSync(join(dir, "below"));
    watch.take(0);
    for (const path of ["a.json", "below/b.json"]) {
      await settled();
      writeFileSync(join(dir, path), "{}");
      await until(`${path} is noticed`, () => watch.take(0));
    }
  });

  test("asks for a look every five seconds, whatever the system tells", async () => {
    watch.take(0);
    await settled();
    expect(watch.take(5000)).toBe(true);
    expect(watch.take(5001)).toBe(false);
  });

  test("asks for a look each time where a folder cannot be watched", () => {
    const nowhere = new FolderWatch(join(dir, "not", "there"));
    expect([nowhere.take(0), nowhere.take(1)]).toEqual([true, true]);
    nowhere.close();
  });

  test("asks for a look when it is closed", async () => {
    watch.take(0);
    await settled();
    watch.close();
    expect(watch.take(0)).toBe(true);
  });
});
