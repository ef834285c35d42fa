import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { locateNatsServer } from "./locate.ts";

let dir: string;
let cacheDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "adaos-locate-"));
  cacheDir = join(dir, "cache");
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

/** @returns the folder the fake is in. */
async function fakeServer(folder: string, version: string): Promise<string> {
  const where = join(dir, folder);
  await mkdir(where, { recursive: true });
  await writeFile(join(where, "nats-server"), `#!/bin/sh\necho "nats-server: v${version}"\n`, {
    mode: 0o755,
  });
  return where;
}

describe("locateNatsServer()", () => {
  test("takes the setting before PATH", async () => {
    const set = join(await fakeServer("set", "2.14.0"), "nats-server");
    const PATH = await fakeServer("bin", "2.15.1");
    const result = await locateNatsServer({
      env: { ADAOS_NATS_SERVER: set, PATH, ADAOS_CACHE_DIR: cacheDir },
    });
    expect(result).toEqual({ found: { path: set, version: "2.14.0", from: "env" }, skipped: [] });
  });

  test.each([
    ["missing", "none/nats-server", "not found"],
    ["too old", "old/nats-server", "version 2.9.10 is older than 2.14.0"],
    ["a folder", "old", "not executable"],
    ["not executable", "plain/nats-server", "not executable"],
  ])("rejects with invalid-config when the setting is %s, whatever PATH has", async (_, set, reason) => {
    await fakeServer("old", "2.9.10");
    await chmod(join(await fakeServer("plain", "2.15.1"), "nats-server"), 0o644);
    const PATH = await fakeServer("bin", "2.15.1");
    const path = join(dir, set);
    await expect(locateNatsServer({ env: { ADAOS_NATS_SERVER: path, PATH } })).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining(`ADAOS_NATS_SERVER names ${path}: ${reason}`),
    });
  });

  test("passes over what is too old on PATH and tells it, then takes the next", async () => {
    const old = await fakeServer("old", "2.9.10");
    const good = await fakeServer("good", "2.14.2");
    await fakeServer("cache/nats-server/2.15.1", "2.15.1");
    const env = { PATH: `/nowhere:${old}:${good}`, ADAOS_NATS_SERVER: "", ADAOS_CACHE_DIR: cacheDir };
    expect(await locateNatsServer({ env })).toEqual({
      found: { path: join(good, "nats-server"), version: "2.14.2", from: "path" },
      skipped: [
        { from: "path", where: join(old, "nats-server"), reason: "version 2.9.10 is older than 2.14.0" },
      ],
    });
  });

  test("runs nothing from a cache to which others may write", async () => {
    const cached = await fakeServer("cache/nats-server/2.15.1", "2.15.1");
    const env = { PATH: "/nowhere", ADAOS_CACHE_DIR: cacheDir };
    for (const path of [join(cached, "nats-server"), cached, join(cacheDir, "nats-server"), cacheDir]) {
      await chmod(path, 0o777);
      const { found, skipped } = await locateNatsServer({ env });
      expect(found, path).toBeUndefined();
      expect(skipped.at(-1)?.reason).toContain("write to");
      await chmod(path, 0o755);
    }
    expect((await locateNatsServer({ env })).found).toMatchObject({ from: "cache" });
  });

  test("takes the cache last", async () => {
    const cached = await fakeServer("cache/nats-server/2.15.1", "2.15.1");
    const result = await locateNatsServer({ env: { PATH: "/nowhere", ADAOS_CACHE_DIR: cacheDir } });
    expect(result.found).toEqual({ path: join(cached, "nats-server"), version: "2.15.1", from: "cache" });
  });

  test("tells where it looked when there is none", async () => {
    expect(await locateNatsServer({ env: { ADAOS_CACHE_DIR: cacheDir } })).toEqual({
      found: undefined,
      skipped: [
        { from: "path", where: "PATH", reason: "no nats-server there" },
        { from: "cache", where: cacheDir, reason: "no nats-server there" },
      ],
    });
  });

  test("asks a binary that PATH reaches twice only once", async () => {
    const old = await fakeServer("old", "2.9.10");
    await symlink(old, join(dir, "link"));
    const env = { PATH: `${old}:${join(dir, "link")}`, ADAOS_CACHE_DIR: cacheDir };
    const { skipped } = await locateNatsServer({ env });
    expect(skipped.map(({ where }) => where)).toEqual([join(old, "nats-server"), cacheDir]);
  });

  test("runs nothing from the current folder", async () => {
    await fakeServer("good", "2.15.1");
    const { found } = await locateNatsServer({ env: { PATH: ":.:good", ADAOS_CACHE_DIR: cacheDir } });
    expect(found).toBeUndefined();
  });
});
