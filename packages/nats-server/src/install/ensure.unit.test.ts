import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureNatsServer } from "./ensure.ts";
import type { InstalledServer, Installer } from "./installer.ts";
import type { ProgressEvent } from "./progress.ts";

let dir: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "adaos-ensure-"));
  env = { ADAOS_CACHE_DIR: join(dir, "cache"), PATH: dir };
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

function fakeServer(version: string): Promise<void> {
  const text = `#!/bin/sh\necho "nats-server: v${version}"\n`;
  return writeFile(join(dir, "nats-server"), text, { mode: 0o755 });
}

const INSTALLED = { path: "/x/nats-server", version: "2.15.1" };

function installer(from: Installer["from"], outcome: InstalledServer | Error): Installer {
  const install = async (): Promise<InstalledServer> => {
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { from, title: `the ${from} way`, install };
}

const noRelease = installer("release", new MeshError("unavailable", "no route"));
const noDebian = installer("debian", new MeshError("unavailable", "no apt-get"));

describe("ensureNatsServer()", () => {
  test("installs nothing when there is one", async () => {
    await fakeServer("2.14.0");
    const found = await ensureNatsServer({ env, installers: [] });
    expect(found).toEqual({ path: join(dir, "nats-server"), version: "2.14.0", from: "path" });
  });

  test("tries one way after the other and tells each step", async () => {
    const events: ProgressEvent[] = [];
    const installers = [noRelease, installer("debian", INSTALLED)];
    const result = await ensureNatsServer({ env, installers, onProgress: (event) => events.push(event) });
    expect(result).toEqual({ ...INSTALLED, from: "debian" });
    expect(events).toEqual([
      { kind: "looking" },
      { kind: "failed", what: "the release way", reason: "no route" },
      { kind: "installed", ...INSTALLED },
    ]);
  });

  test("says in one error what was tried, why it did not work, and what to do", async () => {
    await fakeServer("2.9.10");
    const error = await ensureNatsServer({ env, installers: [noRelease, noDebian] }).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(MeshError);
    expect(error.code).toBe("unavailable");
    expect(error.message.split("\n")).toEqual([
      "no nats-server 2.14.0 or newer was found, and none could be installed:",
      `  ${join(dir, "nats-server")}: version 2.9.10 is older than 2.14.0`,
      `  ${join(dir, "cache")}: no nats-server there`,
      "  the release way: no route",
      "  the debian way: no apt-get",
      expect.stringMatching(/^Install nats-server 2\.14\.0 or newer/),
      expect.stringContaining("put it on PATH or set ADAOS_NATS_SERVER"),
    ]);
  });

  test("does not hide a wrong setting behind another way", async () => {
    const wrong = installer("release", new MeshError("invalid-config", "bad mirror"));
    const ensuring = ensureNatsServer({ env, installers: [wrong, installer("debian", INSTALLED)] });
    await expect(ensuring).rejects.toMatchObject({ code: "invalid-config", message: "bad mirror" });
    const setting = { ...env, ADAOS_NATS_SERVER: join(dir, "none") };
    await expect(ensureNatsServer({ env: setting, installers: [] })).rejects.toMatchObject({
      code: "invalid-config",
    });
  });

  test("does not hide a bug behind another way", async () => {
    const broken = installer("release", new TypeError("x is undefined"));
    const ensuring = ensureNatsServer({ env, installers: [broken, installer("debian", INSTALLED)] });
    await expect(ensuring).rejects.toMatchObject({ code: "internal" });
  });

  test("stops with the caller's reason", async () => {
    const reason = new Error("stopped");
    const signal = AbortSignal.abort(reason);
    await expect(ensureNatsServer({ env, signal, installers: [noRelease] })).rejects.toBe(reason);
  });
});
