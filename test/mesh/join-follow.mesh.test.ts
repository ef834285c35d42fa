import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connect as connectBus } from "@adaos/client";
import { readSeed } from "@adaos/config";
import { joiningUser, joinSubject } from "@adaos/core/wire";
import {
  idOfKey,
  joinedCertificateFiles,
  KeyRing,
  MACHINE_KEY,
  noneSchema,
  openAnswer,
  readJoinedFile,
  signRequest,
} from "@adaos/provision";
import { openConnection } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adaos, type CliResult, TestMesh, until } from "../kit/mesh.ts";

/*
 * Machines that have joined follow the root's mesh file by themselves. Another state folder stands for another machine.
 */

const MESH = `
mesh: follows
registry: ../schemas/events
tls: development
subnets:
  alpha:
    import: [ui.]
    members:
      kitchen: { subscribe: [ui.] }
      hall: { remote: true, publish: [ui.] }
  gamma:
    remote: true
    export: [ui.]
    members:
      porch: { publish: [infra.] }
`;
const CHANGED = MESH.replace(
  "hall: { remote: true, publish: [ui.] }",
  "hall: { remote: true, publish: [infra.] }",
).replace("porch: { publish: [infra.] }", "porch: { publish: [ui.] }\n      garden: { publish: [ui.] }");
const GONE = MESH.replace(/ {6}hall: .*\n/, "").replace(/ {2}gamma:[\s\S]*$/, "");
const EVENT = { text: "hello" };
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

let mesh: TestMesh;
const machines: string[] = [];
const buses: Bus[] = [];

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
});
afterAll(async () => {
  await Promise.all(buses.map((bus) => bus.close()));
  await Promise.all(machines.map((state) => adaos(["down", "--state", state])));
  for (const state of machines) rmSync(state, { recursive: true, force: true });
  await mesh?.stop();
});

async function joined(...args: readonly string[]): Promise<string> {
  const state = mkdtempSync(join(tmpdir(), "adaos-follows-"));
  machines.push(state);
  const made = await mesh.adaos(["join", "create", "--json", ...args]);
  const { code, port } = JSON.parse(made.stdout) as { readonly code: string; readonly port: number };
  const result = await adaos(["join", "-", "--root", `127.0.0.1:${port}`, "--state", state], { input: code });
  if (result.code !== 0) throw new Error(`join: ${result.code} ${result.stderr}`);
  return state;
}

function follow(state: string): Promise<CliResult> {
  return adaos(["join", "follow", "--json", "--state", state]);
}

async function followed(state: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await follow(state);
  if (code !== 0) throw new Error(`join follow: ${code} ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe("adaos join follow", { timeout: 120_000 }, () => {
  let gamma = "";
  let hall = "";

  test("takes nothing while nothing is new", async () => {
    gamma = await joined("--subnet", "gamma", "--role", "hub");
    const [up, state] = await Promise.all([
      adaos(["up", "--detach", "--state", gamma]),
      joined("--subnet", "alpha", "--role", "member", "--name", "hall"),
    ]);
    expect(up).toMatchObject({ code: 0 });
    hall = state;
    const first = await followed(gamma);
    expect(first).toMatchObject({ added: [], removed: [], certificate: false });
    // Its supervisor may have been quicker.
    expect(["taken", "same"]).toContain(first["outcome"]);
    expect(await followed(gamma)).toMatchObject({ outcome: "same" });
  });

  test("brings new members and rights to a remote subnet that runs, and to a remote member, once they are applied", async () => {
    mesh.configure(CHANGED);
    expect(await followed(gamma)).toMatchObject({ outcome: "waits" });
    expect(await mesh.ask(["policy", "apply", "--config", mesh.configFile, "--yes"])).toMatchObject({
      code: 0,
    });
    // Its supervisor may have been quicker. Whoever asks at the same time waits for the other.
    const [found, changed] = await Promise.all([
      Promise.all([followed(gamma), followed(gamma)]),
      followed(hall),
    ]);
    for (const { outcome } of found) expect(["taken", "same"]).toContain(outcome);
    expect(changed).toMatchObject({ outcome: "taken", changed: ["alpha/hall"] });
    const layout = JSON.parse(readFileSync(join(gamma, "mesh.json"), "utf8")) as { nodes: { id: string }[] };
    expect(layout.nodes.map(({ id }) => id)).toEqual(["gamma/hub", "gamma/porch", "gamma/garden"]);
    await until("all is ready at gamma", async () => (await adaos(["status", "--state", gamma])).code === 0);
    const kitchen = await mesh.connect("alpha/kitchen");
    const ids: string[] = [];
    await kitchen.subscribe("ui.notify", { durable: "all" }, ({ event_id }) => void ids.push(event_id));
    for (const as of ["gamma/porch", "gamma/garden"]) {
      const bus = await connectBus({ as, state: gamma, log: SILENT });
      buses.push(bus);
      const { eventId } = await bus.publish("ui.notify", EVENT);
      await until(`${as} is heard`, () => ids.includes(eventId));
    }
    const hallFile = join(hall, "nodes/alpha/hall.json");
    const given = readFileSync(hallFile, "utf8");
    expect(given).toContain("infra.");
    writeFileSync(hallFile, given.replace("infra.", "ui."));
    expect(await followed(hall)).toMatchObject({ outcome: "taken" });
    expect(readFileSync(hallFile, "utf8")).toBe(given);
  });

  test("brings a certificate when the old one is gone or ends soon, and the server that runs takes it", async () => {
    const { certFile } = joinedCertificateFiles(gamma, "gamma");
    const before = readFileSync(certFile, "utf8");
    rmSync(certFile);
    expect(await followed(gamma)).toMatchObject({ certificate: true });
    expect(readFileSync(certFile, "utf8")).not.toBe(before);
    await until("all is ready at gamma", async () => (await adaos(["status", "--state", gamma])).code === 0);
    expect(await followed(gamma)).toMatchObject({ outcome: "same" });
  });

  test("gives a machine the files of its own node only, and no other answer", async () => {
    const { publicKey, seedFile } = new KeyRing(hall).key(MACHINE_KEY);
    const id = idOfKey(publicKey);
    const joinedFile = readJoinedFile(hall);
    const sealKey = Buffer.from(joinedFile?.sealKey ?? "", "base64");
    const { port } = joinedFile?.root ?? {};
    const { caFile } = joinedCertificateFiles(hall, "alpha");
    const connection = await openConnection({
      ...{ url: `tls://127.0.0.1:${port}`, tls: { caFile }, name: "test", log: SILENT },
      ...{ user: joiningUser(id), seed: readSeed(seedFile) },
    });
    const nonce = "n".repeat(16);
    const facts = { nonce, stateDir: "/x", registryDir: "/y", rootHost: "127.0.0.1", ports: { port: 1 } };
    const ask = async (request: Parameters<typeof signRequest>[0]): Promise<unknown> => {
      const bytes = signRequest(request, readSeed(seedFile));
      const { data } = await connection.nc.request(joinSubject(id), bytes, { timeout: 5000 });
      return openAnswer(data, sealKey, nonce, noneSchema);
    };
    try {
      const keys = { "alpha/members/hall": new KeyRing(gamma).key("gamma/leaf").publicKey };
      await expect(ask({ op: "join", ...facts, keys })).rejects.toMatchObject({ code: "denied" });
      await expect(ask({ op: "done", nonce })).rejects.toMatchObject({ code: "denied" });
      const other = { op: "follow", ...facts, keys, nodeFileFormat: 1 } as const;
      await expect(ask(other)).rejects.toMatchObject({ code: "denied" });
    } finally {
      await connection.close();
    }
  });

  test("shuts a machine out once another has joined in its place", async () => {
    const second = await joined("--subnet", "alpha", "--role", "member", "--name", "hall");
    expect(await followed(second)).toMatchObject({ outcome: "taken" });
    const { code, stderr } = await follow(hall);
    expect([code, stderr]).toEqual([77, expect.stringContaining("join with a new code")]);
    hall = second;
  });

  test("shuts machines out once the mesh file no longer has their nodes", async () => {
    mesh.configure(GONE);
    expect(await mesh.ask(["policy", "apply", "--config", mesh.configFile, "--yes"])).toMatchObject({
      code: 0,
    });
    expect(readdirSync(join(mesh.state, "machines"))).toEqual([]);
    const isShutOut = async (state: string): Promise<boolean> => {
      const { code, stderr } = await follow(state);
      return code === 77 && stderr.includes("join with a new code");
    };
    await Promise.all([gamma, hall].map((state) => until("it is shut out", () => isShutOut(state))));
  });
});
