import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { messageOf } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cachedServerPath } from "./cache.ts";
import { type DebianMachine, inspectDebian } from "./debian-machine.ts";
import { installDebian } from "./install-debian.ts";
import { probe } from "./probe.ts";
import { compareVersions, MINIMUM_VERSION } from "./version.ts";

let dir: string;
let cacheDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "adaos-debian-"));
  // A name that apt would misread unless it gets it unchanged.
  cacheDir = join(dir, 'a "quoted" cache');
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

const machine = await inspectDebian(process.env).catch((thrown: unknown) => messageOf(thrown));
const obstacle = typeof machine === "string" ? machine : await whyUnreachable(machine);
if (obstacle !== undefined) console.warn(`skipped: installing Debian's package: ${obstacle}`);

/** Asks the first mirror for its development suite; if it is not a web address, only apt tries it. */
async function whyUnreachable({ mirrors }: DebianMachine): Promise<string | undefined> {
  const [mirror = ""] = mirrors;
  if (!/^https?:/.test(mirror)) return undefined;
  const signal = AbortSignal.timeout(5_000);
  const url = `${mirror.replace(/\/*$/, "")}/dists/sid/InRelease`;
  return await fetch(url, { method: "HEAD", signal }).then(
    (response) => (response.ok ? undefined : `the mirror answered ${response.status}`),
    (thrown: unknown) => `the mirror cannot be reached: ${messageOf(thrown)}`,
  );
}

describe.skipIf(obstacle !== undefined)("installDebian() with this machine's mirror", () => {
  test("installs a server that runs, beside another install, and leaves nothing else", async () => {
    const install = () => installDebian({ cacheDir, env: process.env, onProgress: () => undefined });
    const [installed, same] = await Promise.all([install(), install()]);
    expect(same).toEqual(installed);
    expect(installed.path).toBe(cachedServerPath(cacheDir, installed.version));
    expect(compareVersions(installed.version, MINIMUM_VERSION)).toBeGreaterThanOrEqual(0);
    expect(await probe(installed.path)).toEqual({ kind: "usable", version: installed.version });
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([installed.version]);
  });

  test("stops within its time limit", async () => {
    const installing = installDebian({
      cacheDir,
      env: process.env,
      onProgress: () => undefined,
      totalMs: 50,
    });
    await expect(installing).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("not done within 0.05 s"),
    });
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([]);
  });
});

describe.skipIf(typeof machine === "string")("installDebian() with a mirror that nobody signed for", () => {
  test("refuses, even on a machine that lets unsigned packages pass", async () => {
    const release = `Suite: unstable\nCodename: sid\nDate: ${new Date().toUTCString().replace("GMT", "UTC")}\n`;
    const mirror = createServer((request, response) => {
      response.writeHead(request.url?.endsWith("/Release") ? 200 : 404).end(release);
    });
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    const { port } = mirror.address() as AddressInfo;
    const root = join(dir, "root");
    const files = {
      "etc/os-release": "ID=debian\n",
      "etc/apt/sources.list": `deb [trusted=yes] http://127.0.0.1:${port}/debian sid main\n`,
      "usr/share/keyrings/debian-archive-keyring.gpg": "",
      "apt.conf": 'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    const env = { ...process.env, APT_CONFIG: join(root, "apt.conf") };
    const installing = installDebian({ cacheDir, env, root, onProgress: () => undefined });
    await expect(installing).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("is not signed"),
    });
    await new Promise((resolve) => mirror.close(resolve));
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([]);
  });
});
