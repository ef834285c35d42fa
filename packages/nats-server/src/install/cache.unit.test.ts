import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adopt, cachedServerPath, listCachedServers, resolveCacheDir, withWorkDir } from "./cache.ts";
import { TESTED_VERSION } from "./version.ts";

let cacheDir: string;

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "adaos-cache-"));
});

afterEach(async () => {
  await rm(cacheDir, { recursive: true });
});

async function fakeServer(dir: string, version: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, "nats-server");
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  return path;
}

describe("resolveCacheDir()", () => {
  test.each([
    [{ ADAOS_CACHE_DIR: "/a", XDG_CACHE_HOME: "/x", HOME: "/h" }, "linux", "/a"],
    [{ XDG_CACHE_HOME: "/x", HOME: "/h" }, "linux", "/x/adaos"],
    [{ XDG_CACHE_HOME: "x", HOME: "/h" }, "linux", "/h/.cache/adaos"],
    [{ ADAOS_CACHE_DIR: "", HOME: "/h" }, "freebsd", "/h/.cache/adaos"],
    [{ HOME: "/h" }, "darwin", "/h/Library/Caches/adaos"],
  ] as const)("%j on %s gives %s", (env, platform, dir) => {
    expect(resolveCacheDir(env, platform)).toBe(dir);
  });
});

describe("listCachedServers()", () => {
  test("puts the tested version first, then new before old", async () => {
    for (const version of ["2.14.3", "2.99.0", TESTED_VERSION]) {
      await fakeServer(join(cacheDir, "nats-server", version), version);
    }
    await mkdir(join(cacheDir, "nats-server", "2.98.0"));
    await mkdir(join(cacheDir, "nats-server", ".work-abc"));
    const expected = [TESTED_VERSION, "2.99.0", "2.14.3"].map((version) =>
      cachedServerPath(cacheDir, version),
    );
    expect(await listCachedServers(cacheDir)).toEqual(expected);
  });

  test("is empty without a cache", async () => {
    expect(await listCachedServers(join(cacheDir, "none"))).toEqual([]);
  });
});

describe("withWorkDir()", () => {
  test("removes its folder when the work fails", async () => {
    const work = withWorkDir(cacheDir, async (dir) => {
      await writeFile(join(dir, "half"), "half");
      throw new Error("boom");
    });
    await expect(work).rejects.toThrow("boom");
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([]);
  });

  test("removes what a killed process left, once it is an hour old", async () => {
    const store = join(cacheDir, "nats-server");
    for (const name of [".work-old", ".work-young", "2.15.1"])
      await mkdir(join(store, name), { recursive: true });
    const longAgo = new Date(Date.now() - 61 * 60 * 1000);
    await utimes(join(store, ".work-old"), longAgo, longAgo);
    await utimes(join(store, "2.15.1"), longAgo, longAgo);
    await withWorkDir(cacheDir, async () => undefined);
    expect((await readdir(store)).sort()).toEqual([".work-young", "2.15.1"]);
  });

  test("rejects with unavailable when the cache cannot be written", async () => {
    const file = join(cacheDir, "file");
    await writeFile(file, "");
    const work = withWorkDir(file, async () => undefined);
    await expect(work).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(file) });
  });
});

describe("adopt()", () => {
  test("moves the binary to the place of the version it tells", async () => {
    const file = await fakeServer(join(cacheDir, "work"), "2.14.7");
    const installed = await adopt(cacheDir, file);
    expect(installed).toEqual({ path: cachedServerPath(cacheDir, "2.14.7"), version: "2.14.7" });
    expect(await readFile(installed.path, "utf8")).toContain("v2.14.7");
    expect(await readdir(join(cacheDir, "work"))).toEqual([]);
  });

  test.each([
    ["too old", "2.9.10", "older than"],
    ["no version at all", "x", "does not answer like"],
  ])("refuses a binary that is %s", async (_, version, reason) => {
    const file = await fakeServer(join(cacheDir, "work"), version);
    await expect(adopt(cacheDir, file)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(reason),
    });
    expect(await listCachedServers(cacheDir)).toEqual([]);
  });

  test("rejects with unavailable when there is no file", async () => {
    await expect(adopt(cacheDir, join(cacheDir, "none"))).rejects.toMatchObject({ code: "unavailable" });
  });
});
