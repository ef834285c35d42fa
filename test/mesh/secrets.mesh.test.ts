import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readSeed } from "@adaos/config";
import { parseJoinCode } from "@adaos/provision";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adaos as runAdaos, TestMesh, until } from "../kit/mesh.ts";

const MESH = `
mesh: secrets
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    signatures: { sign: k2, accept: [k1, k2] }
    members:
      kitchen: { publish: [ui.] }
      desk: { subscribe: [ui.] }
  beta:
    import: [ui.]
    signatures: { sign: k1 }
    members: { lamp: { subscribe: [ui.] } }
  gamma: { remote: true }
  delta: { remote: true }
`;

/** Every file below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** A signature key as it stands in its file, and as anybody may have written its bytes. */
function spellings(file: string): string[] {
  const text = readFileSync(file, "utf8").trim();
  const bytes = Buffer.from(text, "base64url");
  return [text, ...(["base64", "hex", "latin1"] as const).map((encoding) => bytes.toString(encoding))];
}

describe("the secrets of a mesh", { timeout: 90_000 }, () => {
  let mesh: TestMesh;
  const said: string[] = [];
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  async function adaos(...args: readonly string[]): Promise<void> {
    const { stdout, stderr } = await mesh.adaos(args);
    said.push(stdout, stderr);
  }

  /** Made by a command of which nothing but the code itself is kept out of what was said. */
  async function codeFor(subnet: string): Promise<{ readonly code: string; readonly port: number }> {
    const { stdout, stderr } = await mesh.adaos(["join", "create", "--subnet", subnet, "--json"]);
    said.push(stderr);
    return JSON.parse(stdout) as { code: string; port: number };
  }

  test("are in the files that hold them and nowhere else, whatever the mesh goes through", async () => {
    const keys = join(mesh.state, "keys");
    // Those of before a rotation are looked for as well.
    const seeds = new Set(
      filesIn(keys)
        .filter((file) => file.endsWith(".nk"))
        .map(readSeed),
    );
    const signatureKeys = filesIn(keys).filter((file) => file.includes("/signatures/"));
    expect(signatureKeys).toHaveLength(3);
    for (const spelling of signatureKeys.flatMap(spellings)) seeds.add(spelling);
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("alpha/desk");
    await desk.subscribe("ui.notify", { durable: "fails" }, () => {
      throw new TypeError("no");
    });
    await kitchen.publish("ui.notify", { text: "hello" });
    await until("it is a dead letter", () => desk.stats.deadLettered === 1);
    await expect(kitchen.publish("nlp.intent.detected", {} as never)).rejects.toThrow();
    await adaos("status", "--json");
    await adaos("events", "status", "--json");
    await adaos("events", "failed", "--json");
    await adaos("events", "dlq", "list", "--json");
    await adaos("events", "publish", "ui.notify", "--as", "beta/lamp", "--data", "{}");
    await adaos("policy", "compile");
    await adaos("policy", "explain", "publish", "ui.notify", "--as", "alpha/kitchen", "--json");
    await adaos("events", "dlq", "replay", "--yes", "--json");
    await adaos("node", "rotate", "alpha/desk", "--json");
    mesh.configure(MESH.replace("accept: [k1, k2]", "accept: [k2]"));
    await adaos("policy", "apply", "--yes");
    await adaos("node", "rotate", "alpha/hub", "--json");
    await adaos("node", "rotate", "root", "--json");
    await adaos("node", "rotate", "alpha", "--leaf", "--json");
    const [open, used] = [await codeFor("gamma"), await codeFor("delta")];
    const other = join(mesh.dir, "other");
    const args = ["join", "-", "--root", `127.0.0.1:${used.port}`, "--state", other];
    const joined = await runAdaos(args, { input: used.code });
    expect(joined.code).toBe(0);
    said.push(joined.stdout, joined.stderr);
    for (const { code } of [open, used]) {
      const bare = code.replaceAll("-", "");
      for (const secret of [code, bare, bare.slice(0, 19), parseJoinCode(code).seed]) seeds.add(secret);
    }
    for (const file of filesIn(join(other, "keys"))) if (file.endsWith(".nk")) seeds.add(readSeed(file));
    process.kill(mesh.pid("nats-alpha"), "SIGKILL");
    process.kill(mesh.pid("root"), "SIGKILL");
    await until("all is ready again", () => mesh.isReady(), 60_000);
    for (const file of filesIn(keys)) if (file.endsWith(".nk")) seeds.add(readSeed(file));

    const found: string[] = [];
    let looked = 0;
    const look = (what: string, text: string): void => {
      looked++;
      for (const seed of seeds) if (text.includes(seed)) found.push(what);
    };
    for (const file of [...filesIn(mesh.state), ...filesIn(other)]) {
      if (file.startsWith(`${keys}/`) || file.startsWith(`${other}/keys/`)) {
        expect([file, statSync(file).mode & 0o077]).toEqual([file, 0]);
      } else look(file, readFileSync(file, "latin1"));
    }
    for (const [name, pid] of mesh.pids()) {
      for (const of of ["cmdline", "environ"]) {
        const file = `/proc/${pid}/${of}`;
        if (existsSync(file)) look(`${of} of ${name}`, readFileSync(file, "latin1"));
      }
    }
    look("what was printed", said.join("\n"));
    process.stdout.write(`${seeds.size} secrets looked for in ${looked} places, ${found.length} found\n`);
    expect(found).toEqual([]);
    expect(seeds.size).toBeGreaterThan(10);
  });

  test("that others may read are refused", async () => {
    const file = join(mesh.state, "keys/alpha/members/kitchen.nk");
    chmodSync(file, 0o644);
    await expect(mesh.connect("alpha/kitchen")).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining("chmod 600"),
    });
    chmodSync(file, 0o600);
    const key = join(mesh.state, "keys/alpha/signatures/k2.key");
    chmodSync(key, 0o640);
    for (const member of ["alpha/kitchen", "beta/lamp"]) {
      await expect(mesh.connect(member)).rejects.toMatchObject({
        code: "invalid-config",
        message: expect.stringContaining("chmod 600"),
      });
    }
    chmodSync(key, 0o600);
  });
});
