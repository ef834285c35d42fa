import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "tar";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cachedServerPath } from "./cache.ts";
import { installRelease, type ReleaseOptions } from "./install-release.ts";
import type { ProgressEvent } from "./progress.ts";
import { releaseTarget } from "./release.ts";
import { TESTED_VERSION } from "./version.ts";

const target = releaseTarget("linux", process.arch, "7");
const NAME = `nats-server-v${TESTED_VERSION}-${target.kind === "target" ? target.name : "none"}`;
const LIMITS = { answerMs: 2_000, totalMs: 10_000 };

type Answer = (response: ServerResponse) => void;

let dir: string;
let cacheDir: string;
let server: Server;
let url: string;
let events: ProgressEvent[];
/** By path below `v<version>/`. */
let answers: Map<string, Answer>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "adaos-release-"));
  cacheDir = join(dir, "cache");
  events = [];
  answers = new Map();
  server = createServer((request, response) => {
    const answer = answers.get((request.url ?? "").replace(`/mirror/v${TESTED_VERSION}/`, ""));
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = "https://mirror.example/mirror";
  withTls(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

afterEach(async () => {
  vi.unstubAllGlobals();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});

/** Makes our server appear to answer for `https://mirror.example/`. */
function withTls(own: string): void {
  const plainFetch = fetch;
  vi.stubGlobal("fetch", async (asked: URL, init: RequestInit) => {
    const response = await plainFetch(asked.href.replace("https://mirror.example/", own), init);
    Object.defineProperty(response, "url", { value: asked.href });
    return response;
  });
}

function send(body: string | Buffer): Answer {
  return (response) => response.writeHead(200, { "content-length": Buffer.byteLength(body) }).end(body);
}

/** Serves an archive of `files` (path below the archive's folder, text), and its checksum. */
async function serve(files: Record<string, string>): Promise<Buffer> {
  const folder = join(dir, "make", NAME);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const file = join(dir, "archive.tar.gz");
  await create({ file, gzip: true, cwd: join(dir, "make") }, [NAME]);
  const archive = await readFile(file);
  const sum = createHash("sha256").update(archive).digest("hex");
  answers.set("SHA256SUMS", send(`${"0".repeat(64)}  other.tar.gz\n${sum}  ${NAME}.tar.gz\n`));
  answers.set(`${NAME}.tar.gz`, send(archive));
  return archive;
}

function serveGood(): Promise<Buffer> {
  return serve({ "nats-server": `#!/bin/sh\necho "nats-server: v${TESTED_VERSION}"\n`, LICENSE: "free" });
}

function install(options: Partial<ReleaseOptions> = {}): ReturnType<typeof installRelease> {
  return installRelease({
    cacheDir,
    env: { ADAOS_NATS_RELEASE_URL: url },
    onProgress: (event) => events.push(event),
    platform: "linux",
    pins: {},
    limits: LIMITS,
    ...options,
  });
}

async function expectRefusal(installing: Promise<unknown>, reason: string): Promise<void> {
  await expect(installing).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(reason),
  });
  expect(await readdir(join(cacheDir, "nats-server"))).toEqual([]);
}

describe("installRelease()", () => {
  test("installs the one file wanted, tells progress, and leaves nothing else", async () => {
    const archive = await serveGood();
    const path = cachedServerPath(cacheDir, TESTED_VERSION);
    expect(await install()).toEqual({ path, version: TESTED_VERSION });
    const left = await readdir(cacheDir, { recursive: true });
    expect(left.sort()).toEqual([
      "nats-server",
      `nats-server/${TESTED_VERSION}`,
      `nats-server/${TESTED_VERSION}/nats-server`,
    ]);
    expect(events[0]).toMatchObject({ kind: "step" });
    expect(events.at(-1)).toEqual({
      kind: "download",
      receivedBytes: archive.length,
      totalBytes: archive.length,
    });
  });

  test("installs side by side with others", async () => {
    await serveGood();
    const installed = await Promise.all([install(), install(), install(), install()]);
    expect(new Set(installed.map(({ path }) => path)).size).toBe(1);
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([TESTED_VERSION]);
  });

  test("refuses an archive whose checksum is wrong", async () => {
    const archive = await serveGood();
    archive[20] = (archive[20] ?? 0) ^ 1;
    await expectRefusal(install(), "the checksum of");
  });

  test("refuses an archive that ends early", async () => {
    const archive = await serveGood();
    answers.set(`${NAME}.tar.gz`, (response) => response.end(archive.subarray(0, 50)));
    await expectRefusal(install(), "the checksum of");
  });

  test("refuses an archive whose connection breaks", async () => {
    const archive = await serveGood();
    answers.set(`${NAME}.tar.gz`, (response) => {
      response.writeHead(200, { "content-length": archive.length });
      response.write(archive.subarray(0, 50), () => response.destroy());
    });
    await expectRefusal(install(), `${NAME}.tar.gz`);
  });

  test("refuses an archive that is larger than its limit", async () => {
    await serveGood();
    await expectRefusal(install({ limits: { ...LIMITS, maxArchiveBytes: 100 } }), "larger than 100 bytes");
  });

  test("refuses an archive that cannot be unpacked or holds no server", async () => {
    await serve({ LICENSE: "free" });
    await expectRefusal(install(), "contains no");
    const sum = createHash("sha256").update("nonsense").digest("hex");
    answers.set("SHA256SUMS", send(`${sum}  ${NAME}.tar.gz\n`));
    answers.set(`${NAME}.tar.gz`, send("nonsense"));
    await expectRefusal(install(), "cannot be unpacked");
  });

  test("refuses a server that does not run here", async () => {
    await serve({ "nats-server": "#!/bin/sh\nexit 1\n" });
    await expectRefusal(install(), "of no use here");
  });

  test("says what is missing when the release has no such archive", async () => {
    await expectRefusal(install(), "SHA256SUMS answered 404");
    answers.set("SHA256SUMS", send(""));
    await expectRefusal(install(), `the release has no ${NAME}.tar.gz`);
  });
});

describe("installRelease() and pinned digests", () => {
  const targetName = target.kind === "target" ? target.name : "none";
  const digestOf = (archive: Buffer): string => createHash("sha256").update(archive).digest("hex");

  test("believes a pin and asks the place of the archive for no checksums", async () => {
    const archive = await serveGood();
    answers.delete("SHA256SUMS");
    expect(await install({ pins: { [targetName]: digestOf(archive) } })).toMatchObject({
      version: TESTED_VERSION,
    });
  });

  test("refuses an archive that its place changed together with its checksums", async () => {
    await serveGood();
    await expectRefusal(install({ pins: { [targetName]: "0".repeat(64) } }), "the checksum of");
    const env = { ADAOS_NATS_RELEASE_URL: url, ADAOS_NATS_RELEASE_SHA256: "0".repeat(64) };
    await expectRefusal(install({ env }), "the checksum of");
  });

  test("takes an archive without TLS by its digest alone", async () => {
    const archive = await serveGood();
    const env = {
      ADAOS_NATS_RELEASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror`,
    };
    const refusal = { code: "invalid-config", message: expect.stringContaining("has no TLS") };
    await expect(install({ env })).rejects.toMatchObject(refusal);
    const pinned = { ...env, ADAOS_NATS_RELEASE_SHA256: digestOf(archive).toUpperCase() };
    expect(await install({ env: pinned })).toMatchObject({ version: TESTED_VERSION });
    const nonsense = { ...env, ADAOS_NATS_RELEASE_SHA256: "abc" };
    await expect(install({ env: nonsense })).rejects.toMatchObject({ code: "invalid-config" });
  });

  test("refuses a cache to which others may write", async () => {
    await mkdir(cacheDir);
    await chmod(cacheDir, 0o777);
    await expect(install()).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining("chmod"),
    });
  });
});

describe("installRelease() in time", () => {
  test("fails fast when nothing listens", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const startedAt = performance.now();
    await expectRefusal(install(), `ECONNREFUSED 127.0.0.1:${port}`);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("gives up on a server that accepts and never answers", async () => {
    answers.set("SHA256SUMS", () => undefined);
    await expectRefusal(install({ limits: { ...LIMITS, answerMs: 100 } }), "did not answer within 0.1 s");
  });

  test("gives up on a download that stalls", async () => {
    await serveGood();
    answers.set(`${NAME}.tar.gz`, (response) => {
      response.writeHead(200, { "content-length": 1_000 });
      response.write("some");
    });
    await expectRefusal(install({ limits: { ...LIMITS, totalMs: 1_000 } }), "not done within 1 s");
    expect(events.at(-1)).toMatchObject({ kind: "download", receivedBytes: 4 });
  });

  test("stops with the caller's reason", async () => {
    answers.set("SHA256SUMS", () => undefined);
    const reason = new Error("stopped");
    const controller = new AbortController();
    const installing = install({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(installing).rejects.toBe(reason);
    expect(await readdir(join(cacheDir, "nats-server"))).toEqual([]);
  });

  test("says at once that Windows is not served", async () => {
    await expect(install({ platform: "win32" })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("Windows"),
    });
  });
});
