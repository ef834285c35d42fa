import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { readMeshFile } from "./mesh-file.ts";
import { isLoopback, plainProblem, readServerAccess, serverAccessSchema } from "./transport-security.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-transport-security-"));
  writeFileSync(join(dir, "k.nk"), "SUAEXAMPLE\n", { mode: 0o600 });
  writeFileSync(join(dir, "k.key"), "secret", { mode: 0o600 });
  writeFileSync(join(dir, "open.key"), "secret");
  // Independent of this process's file mode mask.
  chmodSync(join(dir, "open.key"), 0o644);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

describe("isLoopback()", () => {
  test.each(["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])("%s stays on this machine", (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each(["0.0.0.0", "128.0.0.1", "127.0.0.1.example", "localhost.example", "x127.0.0.1", ""])(
    "%s does not",
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe("server of a node file", () => {
  const problemsOf = (server: object): string[] => {
    const { error } = serverAccessSchema.safeParse({ seedFile: "k.nk", ...server });
    return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
  };

  test.each([
    { url: "nats://127.0.0.1:4222" },
    { url: "nats://localhost:4222" },
    { url: "nats://hub.example:4222", allowPlain: true },
    { url: "tls://hub.example:4222" },
    { url: "tls://hub.example:4222", tls: { caFile: "ca.pem", certFile: "c.pem", keyFile: "c.key" } },
  ])("may be %j", (server) => {
    expect(problemsOf(server)).toEqual([]);
  });

  test.each([
    [
      { url: "nats://hub.example:4222" },
      /^url: leaves this machine unencrypted; set tls, or allowPlain: true/,
    ],
    [
      { url: "nats://127.0.0.1:4222", tls: { caFile: "ca.pem" } },
      /^url: must be tls:\/\/host:port where tls is set$/,
    ],
    [{ url: "tls://h:1", tls: { certFile: "c.pem" } }, /^tls: certFile and keyFile go together$/],
  ])("may not be %j", (server, problem) => {
    expect(problemsOf(server)).toEqual([expect.stringMatching(problem)]);
  });
});

describe("plainProblem()", () => {
  const tls = { caFile: "ca.pem", certFile: "c.pem", keyFile: "c.key", verify: false };

  test("is where a server would listen, or a hub's would dial", () => {
    expect(plainProblem({ host: "0.0.0.0" })?.key).toBe("host");
    expect(plainProblem({ host: "127.0.0.1", rootUrl: "nats-leaf://root.example:7422" })?.key).toBe(
      "rootUrl",
    );
  });

  test.each([
    { host: "127.0.0.1", rootUrl: "nats-leaf://127.0.0.1:7422" },
    { host: "0.0.0.0", rootUrl: "tls://root.example:7422", tls },
    { host: "0.0.0.0", rootUrl: "nats-leaf://root.example:7422", allowPlain: true as const },
  ])("is none with %j", (server) => {
    expect(plainProblem(server)).toBeUndefined();
  });
});

describe("readServerAccess()", () => {
  const path = (name: string): string => join(dir, name);

  test("resolves files and reads the seed, and no key of a certificate", () => {
    const tls = { caFile: "ca.pem", certFile: "k.pem", keyFile: "k.key" };
    expect(readServerAccess({ url: "tls://h:1", seedFile: "k.nk", tls }, path)).toEqual({
      url: "tls://h:1",
      seed: expect.any(Function),
      tls: { caFile: path("ca.pem"), certFile: path("k.pem"), keyFile: path("k.key") },
    });
    const plain = readServerAccess({ url: "nats://127.0.0.1:1", seedFile: "k.nk" }, path);
    expect(plain).not.toHaveProperty("tls");
    expect(plain.seed()).toBe("SUAEXAMPLE");
  });

  test.each([
    ["others may read", "open.key", /open\.key holds a secret and others may read it; run: chmod 600 /],
    ["is missing", "none.key", /none\.key cannot be read: ENOENT/],
  ])("refuses a key that %s", (_, keyFile, problem) => {
    const tls = { certFile: "k.pem", keyFile };
    const { code, message } = meshErrorOf(() =>
      readServerAccess({ url: "tls://h:1", seedFile: "k.nk", tls }, path),
    );
    expect([code, message]).toEqual(["invalid-config", expect.stringMatching(problem)]);
  });
});

describe("docs/guide/tls.md", () => {
  const text = readFileSync(fileURLToPath(new URL("../../../docs/guide/tls.md", import.meta.url)), "utf8");
  const blocks = (language: string): string[] =>
    [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, tag, block = ""]) =>
      tag === language ? [block] : [],
    );

  test("shows mesh files that are read, the one with hosts as soon as it has tls", () => {
    const shown = blocks("yaml");
    expect(shown).toHaveLength(4);
    for (const block of shown) {
      const subnets = block.includes("subnets:") ? "" : "subnets: {}\n";
      const tls = /^tls:/m.test(block) ? "" : "tls: development\n";
      const file = join(dir, "mesh.yaml");
      writeFileSync(file, `mesh: m\n${subnets}${tls}${block}`);
      expect(readMeshFile(file).tls).toBeDefined();
      writeFileSync(file, `mesh: m\n${subnets}${block}`);
      if (tls !== "") expect(() => readMeshFile(file)).toThrow(/root\.host: leaves this machine unencrypted/);
    }
  });

  test("shows a server of a node file that is read", () => {
    const [block] = blocks("json");
    const { server } = JSON.parse(`{${block}}`) as { server: unknown };
    expect(serverAccessSchema.parse(server)).toEqual(server);
  });
});
