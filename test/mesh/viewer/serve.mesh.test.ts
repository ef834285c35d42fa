import { chmodSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { makeCertificate } from "@adaos/provision";
import { readRunFile } from "@adaos/supervise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh } from "../../kit/mesh.ts";
import { TestViewer } from "../../kit/viewer.ts";

const mesh = (viewer: string): string => `
mesh: seen
registry: ../schemas/events
viewer: ${viewer}
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.] }
`;

interface Link {
  readonly url: string;
  readonly link: string;
  readonly role: string;
}

let running: TestMesh;
/** Holds the port that the mesh file names. */
const taken = createServer();
beforeAll(async () => {
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  running = await TestMesh.start({ yaml: mesh(`{ port: ${(taken.address() as AddressInfo).port} }`) });
});
afterAll(async () => {
  taken.close();
  await running?.stop();
});

async function view(...options: string[]): Promise<Link> {
  const { code, stdout, stderr } = await running.adaos(["view", "--json", ...options]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Link;
}

async function sessionAt({ url, link }: Link): Promise<Response> {
  const token = link.replace(/^.*#token=/, "");
  return fetch(`${url}/api/session`, { headers: { authorization: `Bearer ${token}` } });
}

describe("a mesh file with viewer:", () => {
  test("is served beside the daemons, on another port where its own is taken, and told by status", async () => {
    const link = await view("--role", "viewer");
    expect(await (await sessionAt(link)).json()).toMatchObject({
      role: "viewer",
      mesh: "seen",
      places: ["root", "alpha"],
      members: ["alpha/kitchen"],
    });
    const { stdout } = await running.adaos(["status"]);
    expect(stdout).toMatch(new RegExp(`viewer +ready +.*${link.url}`));
  });

  test("comes back after a kill, and takes the tokens that it has given", async () => {
    const before = await view();
    const { pid } = readRunFile(running.state, "viewer") ?? { pid: 0 };
    process.kill(pid, "SIGKILL");
    await expect.poll(() => readRunFile(running.state, "viewer")?.pid, { timeout: 20_000 }).not.toBe(pid);
    await expect.poll(() => running.isReady(), { timeout: 20_000 }).toBe(true);
    const after = await view();
    expect((await sessionAt({ ...before, url: after.url })).status).toBe(200);
  });

  test("lists tokens, and refuses those that are revoked: one, a holder's, all", async () => {
    const before = await view();
    const panel = async (): Promise<string> =>
      (await running.ask(["view", "token", "--name", "panel", "--for", "ever"])).stdout.trim();
    const [one, two] = [await panel(), await panel()];
    const statusOf = async (token: string): Promise<number> =>
      (await sessionAt({ ...before, link: token })).status;
    expect((await running.ask(["view", "token", "list"])).stdout).toMatch(
      new RegExp(`${one.split(".")[0]} +panel +operator .* until it is revoked`),
    );
    const revoke = async (...args: string[]): Promise<number> =>
      (await running.ask(["view", "token", "revoke", ...args])).code;
    expect(await revoke(one.split(".")[0] ?? "")).toBe(0);
    expect([await statusOf(one), await statusOf(two)]).toEqual([401, 200]);
    expect(await revoke("--name", "panel")).toBe(0);
    expect([await statusOf(two), (await sessionAt(before)).status]).toEqual([401, 200]);
    for (const wrong of [[], ["0123456789ab"], ["--all", "--name", "x"], ["--name", "panel"], ["../../mesh"]])
      expect(await revoke(...wrong), wrong.join(" ")).toBe(64);
    expect(await revoke("--all")).toBe(0);
    expect((await sessionAt(before)).status).toBe(401);
    expect((await sessionAt(await view())).status).toBe(200);
    expect((await running.adaos(["audit"])).stdout).toContain("view.revoke");
  });

  test.each([
    ["{ host: 0.0.0.0 }", "tls: is missing"],
    ["{ host: 0.0.0.0, tls: { cert: a.pem } }", "tls.key"],
    ["{ origins: ['*'] }", "must be an origin"],
    ["{ port: 0 }", "port"],
  ])("%s is refused: %s", async (viewer, reason) => {
    const other = join(running.dir, "other.yaml");
    writeFileSync(other, mesh(viewer));
    const { code, stderr } = await running.adaos([
      "up",
      "--config",
      other,
      "--state",
      join(running.dir, "other"),
    ]);
    expect(code).toBe(78);
    expect(stderr).toContain(reason);
  });
});

describe("beyond loopback", () => {
  test("the viewer speaks TLS alone, and answers to its listed names", async () => {
    const issuer = await makeCertificate({ name: "CA", validMs: 600_000 });
    const hosts = ["127.0.0.1", "panel.example"];
    const { certificate, key } = await makeCertificate({ name: "viewer", hosts, validMs: 600_000, issuer });
    const [certFile, keyFile] = [join(running.dir, "cert.pem"), join(running.dir, "key.pem")];
    writeFileSync(certFile, certificate);
    writeFileSync(keyFile, key);
    const listen = { host: "0.0.0.0", tls: { certFile, keyFile }, origins: ["https://panel.example"] };
    chmodSync(keyFile, 0o644);
    await expect(TestViewer.start(running.state, listen)).rejects.toThrow("chmod 600");
    chmodSync(keyFile, 0o600);
    const viewer = await TestViewer.start(running.state, listen);
    try {
      const { port } = new URL(viewer.url);
      const ask = (host: string): Promise<number> =>
        new Promise((resolve, reject) => {
          const headers = { host, authorization: `Bearer ${viewer.token()}` };
          const options = {
            host: "127.0.0.1",
            port,
            path: "/api/session",
            checkServerIdentity: () => undefined,
            ca: issuer.certificate,
            headers,
            agent: false,
          };
          get(options, (response) => void text(response).then(() => resolve(response.statusCode ?? 0))).on(
            "error",
            reject,
          );
        });
      expect(await ask(`127.0.0.1:${port}`)).toBe(200);
      expect(await ask("panel.example")).toBe(200);
      expect(await ask("evil.example")).toBe(421);
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    } finally {
      await viewer.stop();
    }
  });
});
