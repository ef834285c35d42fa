import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connect as connectBus } from "@adaos/client";
import { inboxPrefix, joiningUser, joinSubject } from "@adaos/core/wire";
import {
  admissionSchema,
  type JoinRequest,
  makeJoinCode,
  offerSchema,
  openAnswer,
  parseJoinCode,
  signRequest,
} from "@adaos/provision";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adaos, beginAdaos, type CliResult, TestMesh, until } from "../kit/mesh.ts";

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
  return (
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      // A server renames its temporary ones at any moment.
      .filter(
        (path) => !path.endsWith(".tmp") && statSync(path, { throwIfNoEntry: false })?.isFile() === true,
      )
  );
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
      const { components } = await mesh.health();
      const ready = components.filter(({ ready }) => ready).map(({ name }) => name);
      return ready.includes("up gamma") && ready.includes("down gamma");
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
    // The machine's own is the fifth: with it, it asks the root for changes.
    expect(seedsOf(gamma.state).length).toBe(5);
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
    expect((await mesh.ask(["policy", "compile", "--check"])).code).toBe(0);
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

describe("a join code", { timeout: 180_000 }, () => {
  /** All that a server or a daemon of either machine has written down, and what stands in its config. */
  function written(): string {
    return [mesh.state, ...machines]
      .flatMap(filesIn)
      .filter((file) => !file.includes("/keys/") && !file.includes("/invitations/"))
      .map((file) => readFileSync(file, "latin1"))
      .join("\n");
  }

  const rootConf = (): string => readFileSync(join(mesh.state, "servers/root.conf"), "utf8");
  const attic = ["--subnet", "alpha", "--role", "member", "--name", "attic"] as const;

  test("that is wrong, mistyped, used, revoked or expired lets nobody in", async () => {
    const { port, code: open } = await create(...attic);
    const wrong = Array.from({ length: 24 }, () => makeJoinCode(false).text);
    const entered = await Promise.all(wrong.map((text) => getsIn(text, port)));
    for (const got of entered) count("a wrong code", got);
    expect(await getsIn(open, port)).toBe(true);
    const mistyped = await joinBy(
      { code: `${open.slice(0, -1)}${open.endsWith("0") ? "1" : "0"}`, id: "", port },
      machine(),
    );
    count("a mistyped code", mistyped.code !== 64);
    const before = readFileSync(join(mesh.state, "keys/alpha/members/hall.joined"), "utf8");
    const used = await create("--subnet", "alpha", "--role", "member", "--name", "hall");
    expect(await joinBy(used, machine())).toMatchObject({ code: 0 });
    expect(readFileSync(join(mesh.state, "keys/alpha/members/hall.joined"), "utf8")).not.toBe(before);
    const again = await joinBy(used, machine());
    expect([again.code, again.stderr]).toEqual([77, expect.stringContaining("does not know this code")]);
    count("a used code", again.code === 0 || (await getsIn(used.code, port)));
    const revoked = await create(...attic);
    const connection = await dialBy(revoked.code, port);
    expect(await mesh.adaos(["join", "revoke", revoked.id])).toMatchObject({ code: 0 });
    await until("it is disconnected", () => connection.isClosed());
    count(
      "a revoked code",
      (await joinBy(revoked, machine())).code === 0 || (await getsIn(revoked.code, port)),
    );
    expect(await mesh.adaos(["join", "revoke", revoked.id])).toMatchObject({ code: 64 });
    const expiring = await create(...attic, "--ttl", "5s");
    const { publicKey } = parseJoinCode(expiring.code);
    expect(rootConf()).toContain(publicKey);
    await until("the server has forgotten it, and nobody has called", () => !rootConf().includes(publicKey));
    count(
      "an expired code",
      (await joinBy(expiring, machine())).code === 0 || (await getsIn(expiring.code, port)),
    );
    expect(tally.through).toEqual([]);
  });

  test("serves exactly one of those who use it at the same moment", async () => {
    for (let round = 0; round < 3; round++) {
      const made = await create(...attic);
      const states = [machine(), machine(), machine()];
      const codes = (await Promise.all(states.map((state) => joinBy(made, state)))).map(({ code }) => code);
      expect(codes.filter((code) => code === 0)).toHaveLength(1);
      for (const code of codes.filter((code) => code !== 0)) {
        expect([77, 69]).toContain(code);
        count("a second one at the same moment", code === 0);
      }
      const winner = states[codes.indexOf(0)] ?? "";
      await (await busOf("alpha/attic", winner)).publish("ui.notify", { text: "it is I" });
    }
  });

  test("opens one subject and its answers, and nothing else, to a client without any of our code", async () => {
    const own = await create(...attic);
    const other = await create("--subnet", "gamma");
    const { id } = parseJoinCode(own.code);
    const nc = await dialBy(own.code, own.port);
    const refused: string[] = [];
    void (async () => {
      for await (const { permissionContext } of nc.status()) {
        if (permissionContext !== undefined)
          refused.push(`${permissionContext.operation} ${permissionContext.subject}`);
      }
    })();
    const stored = async (): Promise<unknown> =>
      mesh.asService("root", async (keeper) => {
        const jsm = await keeper.jetstreamManager();
        const { config, state } = await jsm.streams.info("MESH", { subjects_filter: ">" });
        return [config, state.messages, state.subjects];
      });
    const before = await stored();
    const words = (text: string): string[] => text.trim().split(/\s+/);
    const publishes =
      words(`join.${other.id} join.x join.${id}.x join evt.alpha.kitchen.ui.notify.v1 evt.x rpy.x link.alpha.in.x
      link.alpha.CONSUMER.INFO.EVENTS_alpha.root link.gamma.in.x svc.hub.kitchen.durable ingest.x $JS.API.INFO $JS.API.STREAM.LIST
      $JS.API.STREAM.NAMES $JS.API.STREAM.INFO.MESH $JS.API.STREAM.DELETE.MESH $JS.API.STREAM.PURGE.MESH
      $JS.API.STREAM.CREATE.X $JS.API.CONSUMER.CREATE.MESH.x $JS.API.CONSUMER.DELETE.MESH.to-alpha
      $JS.API.CONSUMER.MSG.NEXT.MESH.to-alpha $JS.API.DIRECT.GET.MESH $JS.root.API.STREAM.DELETE.MESH $JS.ACK.MESH.to-alpha.1
      $SYS.REQ.SERVER.PING $SYS.REQ.SERVER.PING.VARZ $SYS.REQ.USER.INFO $SYS.REQ.ACCOUNT.PING.CONNZ $SYS.REQ.SERVER.x.RELOAD
      _INBOX.x _INBOX_root.x _INBOX_system.x _R_.x ${inboxPrefix(joiningUser(other.id))}.x`);
    const subscribes =
      words(`> join.> join.* join.${id} join.${other.id} evt.> rpy.> link.> $JS.> $JS.API.> $SYS.> $SYS.ACCOUNT.>
      _INBOX.> _INBOX_root.> _R_.> ${inboxPrefix(joiningUser(other.id))}.> ${inboxPrefix(joiningUser(id))} *.*`);
    const reply = `${inboxPrefix(joiningUser(id))}.attack`;
    let answers = 0;
    const callback = (error: unknown): void => void (error === null && answers++);
    nc.subscribe(reply, { callback });
    for (const subject of publishes) nc.publish(subject, "{}", { reply });
    for (const subject of subscribes) nc.subscribe(subject, { callback });
    await nc.flush();
    const wanted = [
      ...publishes.map((one) => `publish ${one}`),
      ...subscribes.map((one) => `subscription ${one}`),
    ];
    await until("all is refused", () => refused.length >= wanted.length, 5000).catch(() => undefined);
    for (const one of wanted) {
      // The server maps the domain away before it looks at rights.
      const at = refused.indexOf(one.replace("$JS.root.API", "$JS.API"));
      count(one, at < 0);
      if (at >= 0) refused.splice(at, 1);
    }
    count("an answer to any of them", answers > 0);
    // Its own subject, with answers that it wants elsewhere, and requests that another has signed, or nobody.
    for (const elsewhere of [
      "evt.alpha.kitchen.ui.notify.v1",
      "$JS.API.STREAM.DELETE.MESH",
      `join.${other.id}`,
    ]) {
      nc.publish(joinSubject(id), "{}", { reply: elsewhere });
    }
    const strangers = parseJoinCode(other.code);
    const look = { op: "look", nonce: "0123456789abcdef" } as const;
    for (const request of [
      new Uint8Array(),
      new TextEncoder().encode(JSON.stringify(look)),
      signRequest(look, strangers.seed),
      signRequest({ op: "everything", nonce: look.nonce } as never, parseJoinCode(own.code).seed),
    ]) {
      const { data } = await nc.request(joinSubject(id), request, { timeout: 5000 });
      const { sealKey } = parseJoinCode(own.code);
      let told: unknown;
      for (const nonce of ["", look.nonce]) {
        try {
          told = openAnswer(data, sealKey, nonce, offerSchema);
        } catch (thrown) {
          told ??= thrown;
        }
      }
      count("a request in another's name", !(told instanceof Error));
    }
    // With the code, but as somebody else: a server takes no config in which two have one key.
    const confBefore = rootConf();
    const { sealKey, seed } = parseJoinCode(own.code);
    const taken = [/LEAF_alpha.*?nkey: "(U\w+)"/s, /MESH.*?nkey: "(U\w+)"/s, /SYS.*?nkey: "(U\w+)"/s];
    for (const key of taken.map((pattern) => pattern.exec(confBefore)?.[1] ?? "")) {
      expect(key).toMatch(/^U/);
      const request = joinRequest({ "alpha/members/attic": key });
      const { data } = await nc.request(joinSubject(id), signRequest(request, seed), { timeout: 20_000 });
      let told: unknown;
      try {
        told = openAnswer(data, sealKey, request.nonce, admissionSchema);
      } catch (thrown) {
        told = thrown;
      }
      expect(told).toMatchObject({ code: "denied", message: expect.stringContaining("another node's") });
      count("the key of somebody else", !(told instanceof Error));
    }
    expect(rootConf()).toBe(confBefore);
    expect(await stored()).toEqual(before);
    await nc.close();
    for (const { id: open } of [own, other]) await mesh.adaos(["join", "revoke", open]);
    expect(tally.through).toEqual([]);
  });

  test("cannot be found in what was written down or sent, nor made from it", async () => {
    const made = await create(...attic);
    const code = parseJoinCode(made.code);
    const wire = await recordingProxy(made.port);
    const state = machine();
    expect(await joinBy({ ...made, port: wire.port }, state)).toMatchObject({ code: 0 });
    wire.close();
    const secrets = [
      made.code,
      made.code.replaceAll("-", ""),
      made.code.replaceAll("-", "").slice(0, 19),
      code.seed,
    ];
    const everything = `${written()}\n${wire.sent()}\n${wire.received()}`;
    for (const secret of secrets) expect(everything.includes(secret)).toBe(false);
    // Whatever looks like a code, in any log or in the dump.
    const candidates = new Set(everything.match(/[0-9A-HJKMNP-TV-Z]{5}(-?[0-9A-HJKMNP-TV-Z]{5}){3}/g) ?? []);
    for (const candidate of candidates) {
      let isCode = true;
      try {
        parseJoinCode(candidate);
      } catch {
        isCode = false;
      }
      count("what looks like a code", isCode && (await getsIn(candidate, made.port)));
    }
    // The same bytes once more.
    const replayed = await replay(made.port, wire.sent());
    count("the dump of an earlier join", !replayed.includes("Authorization Violation"));
    expect(wire.sent()).toContain("CONNECT");
    expect(tally.through).toEqual([]);
  });

  test("may be used again by the same keys when the root daemon dies in the middle", async () => {
    const made = await create("--subnet", "delta");
    const state = machine();
    const file = join(mesh.state, "keys/delta/leaf.joined");
    const before = readFileSync(file, "utf8");
    const joining = joinBy(made, state);
    await until("it is being admitted", () => readFileSync(file, "utf8") !== before);
    process.kill(mesh.pid("root"), "SIGKILL");
    await joining;
    await until("the root is back", async () => (await mesh.adaos(["join", "list", "--json"])).code === 0);
    const [strange, same] = [machine(), existsSync(join(state, "mesh.json")) ? undefined : state];
    await until("it answers", async () => (await getsIn(made.code, made.port)) || same === undefined);
    expect((await joinBy(made, strange)).code).not.toBe(0);
    if (same !== undefined) expect(await joinBy(made, same)).toMatchObject({ code: 0 });
    expect((await mesh.ask(["policy", "apply", "--yes"])).code).toBe(0);
    expect(await mesh.ask(["policy", "compile", "--check"])).toMatchObject({ code: 0 });
  });

  test("stays what it is over a restart: an open one serves, one that has expired meanwhile does not", async () => {
    const open = await create(...attic);
    const expiring = await create(...attic, "--ttl", "3s");
    await mesh.adaos(["down"]);
    await until(
      "it has expired",
      () => Date.now() > Date.parse((expiring as Made & { expires_at: string }).expires_at),
    );
    await mesh.up();
    expect(rootConf()).not.toContain(parseJoinCode(expiring.code).publicKey);
    count("one that expired while nothing ran", await getsIn(expiring.code, open.port));
    expect(await joinBy(open, machine())).toMatchObject({ code: 0 });
    expect(tally.through).toEqual([]);
  });
});

function joinRequest(keys: Readonly<Record<string, string>>): JoinRequest {
  return {
    op: "join",
    nonce: "0123456789abcdef",
    stateDir: "/nowhere",
    registryDir: "/nowhere",
    rootHost: "127.0.0.1",
    ports: { port: 4222 },
    keys,
  };
}

/** Passes bytes on to a server of this machine and keeps what it saw. */
async function recordingProxy(
  to: number,
): Promise<{ port: number; sent(): string; received(): string; close(): void }> {
  const sent: Buffer[] = [];
  const received: Buffer[] = [];
  const proxy = createServer((client) => {
    const server = dial(to, "127.0.0.1");
    client.on("data", (data: Buffer) => sent.push(data)).on("error", () => server.destroy());
    server.on("data", (data: Buffer) => received.push(data)).on("error", () => client.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    port: (proxy.address() as AddressInfo).port,
    sent: () => Buffer.concat(sent).toString("latin1"),
    received: () => Buffer.concat(received).toString("latin1"),
    close: () => proxy.close(),
  };
}

/** Sends these bytes to a server and gives back what it says until it hangs up. */
function replay(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let told = "";
    const socket = dial(port, "127.0.0.1", () => socket.write(Buffer.from(bytes, "latin1")));
    socket.on("data", (data: Buffer) => {
      told += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(told));
  });
}
