import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inboxPrefix, joiningUser, joinSubject } from "@adaos/core";
import { type Bus, connect as connectBus } from "@adaos/member";
import { connect, type NatsConnection, nkeyAuthenticator, nkeys } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseJoinCode } from "../../packages/cli/src/join/join-code.ts";
import { adaos, beginAdaos, type CliResult, HOME, TestMesh, until } from "../kit/mesh.ts";

/*
 * Machines that join by a code. Another state folder stands for another machine: nothing is read from the first one's.
 */

const MESH = `
mesh: joins
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    import: [ui.]
    members:
      kitchen: { publish: [ui.], subscribe: [ui.] }
      hall: { remote: true, publish: [ui.], subscribe: [ui.] }
      attic: { remote: true, publish: [ui.] }
  gamma:
    remote: true
    export: [ui.]
    import: [ui.]
    members:
      porch: { publish: [ui.], subscribe: [ui.] }
  delta: { remote: true, import: [ui.] }
`;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

interface Made {
  readonly code: string;
  readonly id: string;
  readonly port: number;
}

let mesh: TestMesh;
const machines: string[] = [];
const buses: Bus[] = [];
const tally = { tried: 0, through: [] as string[] };

/** Counts an attack and keeps what it was when it got through. */
function count(what: string, gotThrough: boolean): void {
  tally.tried++;
  if (gotThrough) tally.through.push(what);
}

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
});
afterAll(async () => {
  process.stdout.write(`attacks tried: ${tally.tried}, got through: ${tally.through.length}\n`);
  await Promise.all(buses.map((bus) => bus.close()));
  for (const state of machines) {
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

async function create(...args: readonly string[]): Promise<Made> {
  const { code, stdout, stderr } = await mesh.adaos(["join", "create", "--json", ...args]);
  if (code !== 0) throw new Error(`join create: ${code} ${stderr}`);
  return JSON.parse(stdout) as Made;
}

function joinBy({ code, port }: Made, state: string): Promise<CliResult> {
  return adaos(["join", "-", "--root", `127.0.0.1:${port}`, "--state", state], { input: code });
}

async function busOf(member: string, state: string): Promise<Bus> {
  const bus = await connectBus({ as: member, state, log: SILENT });
  buses.push(bus);
  return bus;
}

async function heard(bus: Bus, durable = "all"): Promise<string[]> {
  const ids: string[] = [];
  await bus.subscribe("ui.notify", { durable }, ({ event_id }) => void ids.push(event_id));
  return ids;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** A bare client with the key that a code stands for. Rejects when the server does not take it. */
function dialBy(text: string, port: number): Promise<NatsConnection> {
  const { seed, id } = parseJoinCode(text);
  return connect({
    servers: `127.0.0.1:${port}`,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
    inboxPrefix: inboxPrefix(joiningUser(id)),
    reconnect: false,
  });
}

async function getsIn(text: string, port: number): Promise<boolean> {
  try {
    await (await dialBy(text, port)).close();
    return true;
  } catch {
    return false;
  }
}

describe("adaos join", { timeout: 120_000 }, () => {
  const gamma = { state: "", code: "" };

  test("makes another machine the hub of a subnet, which then runs by itself and is linked", async () => {
    const made = await create("--subnet", "gamma", "--role", "hub", "--ttl", "10m");
    expect(made.code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
    const state = machine();
    Object.assign(gamma, { state, code: made.code });
    const joined = await joinBy(made, state);
    expect([joined.code, joined.stdout]).toEqual([0, "joined joins as gamma/hub, gamma/porch\n"]);
    expect(joined.stderr).toContain(`adaos up --state ${state}`);
    expect(await adaos(["up", "--detach", "--state", state])).toMatchObject({ code: 0 });
    await until("all is ready", async () => {
      const { stdout } = await mesh.adaos(["status"]);
      return /up gamma +ready/.test(stdout) && /down gamma +ready/.test(stdout);
    });
    const kitchen = await busOf("alpha/kitchen", mesh.state);
    const porch = await busOf("gamma/porch", state);
    const [atKitchen, atPorch] = [await heard(kitchen), await heard(porch)];
    const there = await kitchen.publish("ui.notify", { text: "to gamma" });
    const back = await porch.publish("ui.notify", { text: "from gamma" });
    await until("both have come", () => atPorch.includes(there.eventId) && atKitchen.includes(back.eventId));
  });

  test("keeps its seeds where they were made: the root's machine has none of them, and the other none of the root's", () => {
    const seedsOf = (state: string): string[] =>
      filesIn(join(state, "keys"))
        .filter((file) => file.endsWith(".nk"))
        .map((file) => readFileSync(file, "utf8").trim());
    const everything = (state: string): string =>
      filesIn(state)
        .map((file) => readFileSync(file, "latin1"))
        .join("\n");
    const [here, there] = [everything(mesh.state), everything(gamma.state)];
    expect(seedsOf(gamma.state).length).toBe(4);
    for (const seed of seedsOf(gamma.state)) expect(here.includes(seed)).toBe(false);
    for (const seed of seedsOf(mesh.state)) expect(there.includes(seed)).toBe(false);
  });

  test("makes another machine a member of a hub of the root's", async () => {
    const state = machine();
    expect(
      await joinBy(await create("--subnet", "alpha", "--role", "member", "--name", "hall"), state),
    ).toMatchObject({
      code: 0,
    });
    const hall = await busOf("alpha/hall", state);
    const ids = await heard(hall);
    const kitchen = await busOf("alpha/kitchen", mesh.state);
    const { eventId } = await kitchen.publish("ui.notify", { text: "to the hall" });
    await until("it has come", () => ids.includes(eventId));
    await hall.publish("ui.notify", { text: "from the hall" });
  });

  test("lets the same machine ask again when it was cut short, and a new code take the place of the old keys", async () => {
    const state = machine();
    const made = await create("--subnet", "delta");
    // Killed as soon as it has keys, and again and again at other moments.
    for (const pauseMs of [0, 50, 150]) {
      const { child, result } = beginAdaos([
        "join",
        made.code,
        "--root",
        `127.0.0.1:${made.port}`,
        "--state",
        state,
      ]);
      await until("it has begun", () => existsSync(join(state, "keys/delta/hub.nk")));
      const killed = setTimeout(() => child.kill("SIGKILL"), pauseMs);
      await result;
      clearTimeout(killed);
      if (existsSync(join(state, "mesh.json"))) break;
    }
    if (!existsSync(join(state, "mesh.json"))) expect(await joinBy(made, state)).toMatchObject({ code: 0 });
    const before = readFileSync(join(mesh.state, "keys/delta/leaf.joined"), "utf8");
    const other = machine();
    expect(await joinBy(await create("--subnet", "delta"), other)).toMatchObject({ code: 0 });
    expect(readFileSync(join(mesh.state, "keys/delta/leaf.joined"), "utf8")).not.toBe(before);
    expect((await mesh.adaos(["policy", "compile", "--check"])).code).toBe(0);
  });

  test("tells what to add where the mesh file has no place, and refuses what runs here", async () => {
    for (const [args, problem] of [
      [["--subnet", "omega"], /has no subnet omega; add at .*mesh\.yaml:\d+:\d+.*remote: true/],
      [["--subnet", "alpha"], /hub of alpha runs on this machine; write remote: true.*mesh\.yaml:\d+/],
      [["--subnet", "alpha", "--role", "member", "--name", "kitchen"], /alpha\/kitchen runs on this machine/],
      [["--subnet", "alpha", "--role", "member", "--name", "nobody"], /no member alpha\/nobody; add at/],
      [["--subnet", "gamma", "--role", "member", "--name", "porch"], /members join with its hub/],
      [["--subnet", "gamma", "--name", "porch"], /--role member and --name go together/],
      [["--subnet", "gamma", "--ttl", "25h"], /1s to 24h/],
    ] as const) {
      const { code, stderr } = await mesh.adaos(["join", "create", ...args]);
      expect([code, stderr]).toEqual([64, expect.stringMatching(problem)]);
    }
    const { code, stderr } = await adaos(["join", gamma.code, "--root", "192.0.2.7", "--state", machine()]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("--allow-plain")]);
  });
});
