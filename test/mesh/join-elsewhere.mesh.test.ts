import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectBus } from "@adaos/client";
import { ensureNatsServer } from "@adaos/nats-server";
import { afterEach, describe, expect, test } from "vitest";
import { adaos, HOME, TestMesh, until } from "../kit/mesh.ts";
import { TestViewer } from "../kit/viewer.ts";

/*
 * Joining where connections are encrypted, and where each server and daemon is run by itself.
 */

const MESH = `
mesh: elsewhere
registry: ../schemas/events
subnets:
  alpha:
    signatures: { sign: k1 }
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
      hall: { remote: true, publish: [ui.] }
  gamma:
    remote: true
    import: [ui.]
    members: { porch: { subscribe: [ui.] } }
`;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

let mesh: TestMesh | undefined;
const machines: string[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0).reverse()) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== null || !child.kill()) continue;
    await ended;
  }
  for (const state of machines.splice(0)) {
    await adaos(["down", "--state", state]);
    rmSync(state, { recursive: true, force: true });
  }
  await mesh?.stop();
});

function machine(): string {
  const state = mkdtempSync(join(tmpdir(), "adaos-joined-"));
  machines.push(state);
  return state;
}

async function joined(started: TestMesh, state: string, ...args: readonly string[]): Promise<string> {
  const made = await started.adaos(["join", "create", "--json", ...args]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const { code, port } = JSON.parse(made.stdout) as { code: string; port: number };
  const root = ["--root", `127.0.0.1:${port}`, "--state", state];
  const told = await adaos(["join", "-", ...root], { input: code });
  expect([told.code, told.stderr]).toEqual([0, expect.stringContaining("start it")]);
  return told.stderr;
}

async function expectCrossing(started: TestMesh, state: string): Promise<void> {
  const ids: string[] = [];
  const porch = await connectBus({ as: "gamma/porch", state, log: SILENT });
  await porch.subscribe("ui.notify", { durable: "all" }, ({ event_id }) => void ids.push(event_id));
  const kitchen = await started.connect("alpha/kitchen");
  const { eventId } = await kitchen.publish("ui.notify", { text: "to gamma" });
  await until("it has come", () => ids.includes(eventId));
  await porch.close();
}

/** The places whose streams a viewer of this folder reads. Throws where a question of its pages fails as a bug does. */
async function seen(state: string): Promise<readonly string[]> {
  const viewer = await TestViewer.start(state);
  try {
    expect(await viewer.bugs()).toEqual([]);
    const session = (await (await viewer.ask("/api/session")).json()) as {
      readonly places: readonly string[];
    };
    return session.places;
  } finally {
    await viewer.stop();
  }
}

describe("adaos join", { timeout: 120_000 }, () => {
  test("brings certificates with tls: development, and knows the root by the code before it knows its CA", async () => {
    mesh = await TestMesh.start({ yaml: `${MESH}tls: development\n` });
    const state = machine();
    await joined(mesh, state, "--subnet", "gamma");
    expect(existsSync(join(state, "keys/tls/ca.key"))).toBe(false);
    expect(readFileSync(join(state, "keys/tls/ca.pem"), "utf8")).toBe(
      readFileSync(join(mesh.state, "keys/tls/ca.pem"), "utf8"),
    );
    expect(await adaos(["up", "--detach", "--state", state])).toMatchObject({ code: 0 });
    await expectCrossing(mesh, state);
    const hall = machine();
    await joined(mesh, hall, "--subnet", "alpha", "--role", "member", "--name", "hall");
    const bus = await connectBus({ as: "alpha/hall", state: hall, log: SILENT });
    await bus.publish("ui.notify", { text: "from the hall" });
    await bus.close();
    // The one has a hub and no root, the other a member alone.
    expect([await seen(state), await seen(hall)]).toEqual([["gamma"], []]);
  });

  test("is refused where servers ask for a certificate first", async () => {
    mesh = await TestMesh.start({ yaml: `${MESH}tls: { development: true, verify: true }\n` });
    const { code, stderr } = await mesh.adaos(["join", "create", "--subnet", "gamma"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("docs/guide/tls.md")]);
  });

  test("works with a root and a hub that are each run by themselves", async () => {
    const started = await TestMesh.start({ yaml: MESH.slice(0, MESH.indexOf("  gamma:")) });
    mesh = started;
    await started.adaos(["down"]);
    const { path: server } = await ensureNatsServer();
    const run = (command: string, ...args: readonly string[]): void => {
      children.push(spawn(command, args, { stdio: "ignore" }));
    };
    const cli = join(HOME, "packages/cli/bin/adaos.mjs");
    for (const of of ["root", "alpha"]) run(server, "-c", join(started.state, `servers/${of}.conf`));
    run(process.execPath, cli, "node", "root", "--config", join(started.state, "nodes/root.json"));
    run(process.execPath, cli, "node", "hub", "--config", join(started.state, "nodes/alpha/hub.json"));
    await until("they run", async () => /root +ready/.test((await started.adaos(["status"])).stdout));
    started.configure(MESH);
    expect(await started.adaos(["policy", "apply", "--yes"])).toMatchObject({ code: 0 });
    const state = machine();
    const told = await joined(started, state, "--subnet", "gamma");
    // As it was told, line by line.
    const [conf = "", ...files] = [...told.matchAll(/(?:-c|--config) (\S+)/g)].map(([, file = ""]) => file);
    expect(told).toMatch(/nats-server -c .*\n.*adaos node hub --config .*\n.*adaos node member --config/);
    run(server, "-c", conf);
    run(process.execPath, cli, "node", "hub", "--config", files[0] ?? "");
    await expectCrossing(started, state);
  });
});
