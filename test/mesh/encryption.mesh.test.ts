import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newStoreKey } from "@adaos/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const SECRET = "the safe opens with 4711";

let keys: string;
let keyFile: string;
let mesh: TestMesh;
let heard: string[];

const yaml = (encryption: string): string => `mesh: encrypted
registry: ../schemas/events
${encryption}
subnets:
  alpha: { export: [ui.], members: { kitchen: { publish: [ui.] }, speaker: { subscribe: [ui.] } } }
  beta: { import: [ui.], members: { desk: { subscribe: [ui.] } } }
`;

beforeAll(async () => {
  keys = mkdtempSync(join(tmpdir(), "adaos-keys-"));
  keyFile = join(keys, "store.key");
  newStoreKey(keyFile);
  mesh = await TestMesh.start({ yaml: yaml("") });
  heard = [];
});
afterAll(async () => {
  await mesh.stop();
  rmSync(keys, { recursive: true });
});

/** Files below a server's store that contain a text. */
function filesWith(text: string, of: string): string[] {
  return readdirSync(join(mesh.state, "store", of), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

/** Publishes a text and waits until it is handled; closes then, so that a restart finds an idle mesh. */
async function exchange(text: string): Promise<void> {
  const receiver = await mesh.connect("beta/desk");
  await receiver.subscribe("ui.notify", { durable: "far" }, (event) => {
    heard.push((event.data as { text: string }).text);
  });
  const sender = await mesh.connect("alpha/kitchen");
  await sender.publish("ui.notify", { text });
  await until(`${text} is heard`, () => heard.includes(text));
  await sender.close();
  await receiver.close();
}

async function restart(): Promise<void> {
  expect((await mesh.adaos(["down"])).code).toBe(0);
  await mesh.up();
}

const stored = (of: string, stream: string): Promise<number> =>
  mesh.asService(of, async (nc) => {
    const { state } = await (await nc.jetstreamManager()).streams.info(stream);
    return state.messages;
  });

test("streams of a mesh that ran without a key are encrypted by the next start, and its durables go on", async () => {
  await exchange(`${SECRET} at first`);
  expect(filesWith(SECRET, "alpha")).not.toEqual([]);
  expect(filesWith(SECRET, "beta")).not.toEqual([]);
  mesh.configure(yaml(`encryption: { keyFile: ${keyFile} }`));
  await restart();
  await exchange(`${SECRET} and then`);
  expect(heard).toEqual([`${SECRET} at first`, `${SECRET} and then`]);
  for (const of of ["alpha", "root", "beta"]) expect(filesWith(SECRET, of)).toEqual([]);
});

test("a mesh file with another key is refused, and its streams stay as they are", async () => {
  const before = await stored("alpha", "EVENTS_alpha");
  const other = join(keys, "other.key");
  newStoreKey(other);
  expect((await mesh.adaos(["down"])).code).toBe(0);
  mesh.configure(yaml(`encryption: { keyFile: ${other} }`));
  const { code, stderr } = await mesh.adaos(["up", "--config", mesh.configFile, "--detach"]);
  // The mesh starts from the files that it had before.
  expect(code).toBe(0);
  expect(stderr).toMatch(/the streams in .*store.root need the key [0-9a-f]{16}, and /);
  expect((await mesh.adaos(["down"])).code).toBe(0);
  mesh.configure(yaml(`encryption: { keyFile: ${keyFile} }`));
  await mesh.up();
  expect(await stored("alpha", "EVENTS_alpha")).toBeGreaterThanOrEqual(before);
  await exchange("right key");
  expect(heard).toHaveLength(3);
});

test("a server whose key is replaced or lost waits for it, and loses nothing", async () => {
  const before = await stored("beta", "EVENTS_beta");
  const away = `${keyFile}.away`;
  for (const harm of [() => newStoreKey(keyFile), () => undefined]) {
    renameSync(keyFile, away);
    harm();
    const pid = mesh.pid("nats-beta");
    process.kill(pid, "SIGKILL");
    const log = join(mesh.state, "logs/supervisor.log");
    const refusals = (): number =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => /nats-beta .*(need the key|cannot be read)/.test(line)).length;
    const told = refusals();
    await until("the supervisor tells why the server does not start", () => refusals() > told);
    copyFileSync(away, keyFile);
    rmSync(away);
    await until("another server runs", () => mesh.isReplaced("nats-beta", pid));
    await until("the mesh is ready", () => mesh.isReady(), 60_000);
  }
  expect(await stored("beta", "EVENTS_beta")).toBeGreaterThanOrEqual(before);
  await exchange("still here");
  expect(heard).toHaveLength(4);
});

test("the key is changed while the mesh is down: streams and durables go on, and the old key opens nothing", async () => {
  const sender = await mesh.connect("alpha/kitchen");
  for (const text of ["waits 1", "waits 2"]) await sender.publish("ui.notify", { text });
  await sender.close();
  await until("both wait in beta", async () => (await stored("beta", "EVENTS_beta")) >= 6);
  const was = await mesh.asService("beta", async (nc) => {
    const { streams, consumers } = await nc.jetstreamManager();
    const { state } = await streams.info("EVENTS_beta");
    return { state, far: (await consumers.info("EVENTS_beta", "desk_far")).ack_floor.stream_seq };
  });
  const next = join(keys, "next.key");
  newStoreKey(next);
  const rekey = ["store", "rekey", "--from", keyFile, "--to", next, "--yes"];
  const { code, stderr } = await mesh.adaos(rekey);
  expect(code).toBe(64);
  expect(stderr).toMatch(/runs; stop it first/);
  expect((await mesh.adaos(["down"])).code).toBe(0);
  expect((await mesh.adaos(["store", "rekey", "--from", next, "--to", keyFile, "--yes"])).stdout).toMatch(
    /^$/,
  );
  expect((await mesh.adaos(rekey)).code).toBe(0);
  mesh.configure(yaml(`encryption: { keyFile: ${next} }`));
  await mesh.up();
  const now = await mesh.asService("beta", async (nc) => {
    const { streams, consumers } = await nc.jetstreamManager();
    const { state } = await streams.info("EVENTS_beta");
    return { state, far: (await consumers.info("EVENTS_beta", "desk_far")).ack_floor.stream_seq };
  });
  expect(now.far).toBe(was.far);
  expect(now.state.first_seq).toBe(was.state.first_seq);
  expect(now.state.last_seq).toBeGreaterThanOrEqual(was.state.last_seq);
  await exchange("with the next key");
  expect(heard.filter((text) => text.startsWith("waits"))).toEqual(["waits 1", "waits 2"]);
  expect(new Set(heard).size).toBe(heard.length);
  for (const of of ["alpha", "root", "beta"]) expect(filesWith("waits", of)).toEqual([]);
});
