import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beginAdaos, HOME, leftovers, TestMesh, until } from "../kit/mesh.ts";

/** One subnet with one member: what is killed here is started again many times. */
const MESH = `mesh: small
registry: ../schemas/events
streams: { maxBytes: 2097152 }
subnets:
  alpha:
    members: { kitchen: { publish: [ui.], subscribe: [ui.] } }
`;

interface Status {
  readonly ready: boolean;
  readonly components: readonly {
    kind: string;
    name: string;
    ready: boolean;
    note: string;
    details: Readonly<Record<string, { readonly restarts: number }>>;
  }[];
  readonly config: { readonly errors: readonly Readonly<Record<string, string>>[] };
}

async function statusOf(mesh: TestMesh): Promise<Status> {
  return JSON.parse((await mesh.adaos(["status", "--json"])).stdout) as Status;
}

function isReady(mesh: TestMesh): Promise<boolean> {
  return mesh.isReady();
}

function incidents(state: string): readonly Readonly<Record<string, unknown>>[] {
  const file = join(state, "logs/system_resilience.log");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

/** Every process of this machine whose command line names a path, and begins with a program. */
function processesOf(path: string, program = ""): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return line.includes(path) && (line.split("\0")[0] ?? "").endsWith(program);
      } catch {
        return false;
      }
    })
    .map(Number);
}

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: MESH });
}, 120_000);
afterAll(async () => {
  await mesh?.stop();
});

describe("the supervisor of a mesh", () => {
  test("is brought back when it is killed, and takes over what runs; so is its guard", async () => {
    const before = mesh.pids();
    process.kill(mesh.pid("supervisor"), "SIGKILL");
    await until("there is another supervisor", () =>
      mesh.isReplaced("supervisor", before.get("supervisor") as number),
    );
    await until("all is ready", () => isReady(mesh));
    for (const name of ["nats-root", "nats-alpha", "root", "alpha/hub", "alpha/kitchen"]) {
      expect([name, mesh.pid(name)]).toEqual([name, before.get(name)]);
    }

    const guard = mesh.pid("guard");
    process.kill(guard, "SIGKILL");
    await until("there is another guard", () => mesh.isReplaced("guard", guard));
    const [supervisor] = (await statusOf(mesh)).components;
    expect(supervisor).toMatchObject({ kind: "supervisor", ready: true });
    expect(supervisor?.note).toMatch(/2 restarts, the last of guard at .* \(ended\)/);

    // What it has taken over is no child of it.
    const hub = mesh.pid("alpha/hub");
    process.kill(hub, "SIGKILL");
    await until("there is another hub", () => mesh.isReplaced("alpha/hub", hub));
    await until("all is ready", () => isReady(mesh));
  });

  test("starts again a daemon and a server that stand still, and says why", async () => {
    const hasAnswered = (name: string): boolean => {
      const { children } = JSON.parse(readFileSync(join(mesh.state, "run/processes.json"), "utf8")) as {
        children: { name: string; hasAnswered?: boolean }[];
      };
      return children.some((child) => child.name === name && child.hasAnswered === true);
    };
    // One that has never answered may still be starting, and has more time.
    await until("both have answered once", () => hasAnswered("alpha/kitchen") && hasAnswered("nats-alpha"));
    const [member, server] = [mesh.pid("alpha/kitchen"), mesh.pid("nats-alpha")];
    for (const pid of [member, server]) process.kill(pid, "SIGSTOP");
    const sinceMs = Date.now();
    await until(
      "both are other processes",
      () => mesh.isReplaced("alpha/kitchen", member) && mesh.isReplaced("nats-alpha", server),
      60_000,
    );
    console.log(`both were started again after ${Date.now() - sinceMs} ms`);
    await until("all is ready", () => isReady(mesh));
    const told = incidents(mesh.state).filter(({ ordered }) => ordered === true);
    expect(told).toMatchObject([
      { event: "process restarted", component: "nats-alpha", reason: "does not answer" },
      { event: "process restarted", component: "alpha/kitchen", reason: "does not answer" },
    ]);
  });

  test("brings back files of its folder that are removed or spoilt, whoever of them is killed meanwhile", async () => {
    const [supervisor, server, hub] = ["supervisor", "nats-alpha", "alpha/hub"].map((name) => mesh.pid(name));
    const file = (name: string): string => join(mesh.state, name);
    const config = readFileSync(file("servers/alpha.conf"), "utf8");
    for (const dir of ["run", "locks"]) rmSync(file(dir), { recursive: true });
    // Nobody can take the lock, as on a full disk.
    writeFileSync(file("locks"), "");
    writeFileSync(file("servers/alpha.conf"), config.slice(0, 20));
    writeFileSync(file("mesh.json"), "{");
    for (const pid of [supervisor, server]) process.kill(pid as number, "SIGKILL");
    const log = file("logs/supervisor.log");
    await until("its successor tries again", () => readFileSync(log, "utf8").includes("cannot go on yet"));
    rmSync(file("locks"));
    await until("all is ready", () => isReady(mesh), 60_000);
    expect(mesh.pid("alpha/hub")).toBe(hub);
    expect(processesOf(file("servers/alpha.conf"), "nats-server")).toEqual([mesh.pid("nats-alpha")]);
    // It opens with a comment; the hub may have granted more meanwhile.
    expect(readFileSync(file("servers/alpha.conf"), "utf8")).toContain('server_name: "hub-alpha"');
    expect(JSON.parse(readFileSync(file("mesh.json"), "utf8"))).toMatchObject({ mesh: "small" });
    expect(incidents(mesh.state)).toContainEqual(
      expect.objectContaining({ event: "config restored", component: "nats-alpha" }),
    );
  });

  test("is not troubled by a second daemon of a node, which is refused", async () => {
    const hub = mesh.pid("alpha/hub");
    const { code, stderr } = await mesh.adaos([
      "node",
      "hub",
      "--config",
      join(mesh.state, "nodes/alpha/hub.json"),
    ]);
    expect([code, stderr]).toEqual([69, expect.stringContaining(`alpha/hub runs already as process ${hub}`)]);
    await until("all is ready", () => isReady(mesh));
    expect(mesh.pid("alpha/hub")).toBe(hub);
  });

  test("refuses a second one in its folder", async () => {
    const { code, stderr } = await mesh.adaos(["up", "--config", mesh.configFile]);
    expect([code, stderr]).toEqual([69, expect.stringContaining("a mesh already runs from")]);
  });
});

describe("what a handler has given up", () => {
  test("is an alert in logs/system_resilience.log, where its retry policy wants that", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const retry = { maxRetries: 0, alertsWhenGivenUp: true };
    await kitchen.subscribe("ui.notify", { durable: "screen", retry }, () => {
      throw new Error("no screen");
    });
    const { eventId } = await kitchen.publish("ui.notify", { text: "given up" });
    const alerts = () => incidents(mesh.state).filter(({ event }) => event === "handling given up");
    await until("it is alerted", () => alerts().length > 0);
    await kitchen.close();
    expect(alerts()).toEqual([
      expect.objectContaining({
        level: "warn",
        alert: true,
        component: "alpha/kitchen",
        durable: "screen",
        event_id: eventId,
        error: "Error: no screen",
      }),
    ]);
  });
});

describe("a file that is broken", () => {
  test("is told with its place and what to do, and a daemon that dies starts from its own copy", async () => {
    const nodeFile = join(mesh.state, "nodes/alpha/kitchen.json");
    const good = readFileSync(nodeFile, "utf8");
    const yaml = readFileSync(mesh.configFile, "utf8");
    writeFileSync(nodeFile, `${good.slice(0, -4)}`);
    writeFileSync(mesh.configFile, yaml.replace("members: {", "members: {{"));
    const before = mesh.pid("alpha/kitchen");
    process.kill(before, "SIGKILL");
    await until(
      "it is back, and both files are told",
      async () => (await statusOf(mesh)).config.errors.length === 2,
    );
    const { ready, config } = await statusOf(mesh);
    expect(ready).toBe(false);
    expect(config.errors).toMatchObject([
      {
        file: mesh.configFile,
        place: expect.stringMatching(/mesh\.yaml:\d+:\d+$/),
        remedy: expect.stringContaining("adaos policy apply"),
      },
      { file: nodeFile, place: expect.stringMatching(/kitchen\.json:\d+:\d+$/) },
    ]);
    expect(mesh.pid("alpha/kitchen")).not.toBe(before);
    await until("both are logged", () => {
      const told = incidents(mesh.state).filter(({ event }) => event === "config.errors");
      return JSON.stringify(told).includes("mesh.yaml:") && JSON.stringify(told).includes("kitchen.json:");
    });

    expect((await mesh.adaos(["down"])).code).toBe(0);
    const { code, stderr } = await mesh.adaos(["up", "--config", mesh.configFile, "--detach"]);
    expect(code).toBe(0);
    expect(stderr).toContain("mesh.yaml is broken; starting the last good version of it");
    expect(readFileSync(nodeFile, "utf8")).toBe(good);
    writeFileSync(mesh.configFile, yaml);
    await until("all is ready", () => isReady(mesh));
  });

  test("lets a daemon wait of which no good version is known, and go on when the file is mended", async () => {
    const nodeFile = join(mesh.state, "nodes/alpha/kitchen.json");
    const good = readFileSync(nodeFile, "utf8");
    const before = mesh.pid("alpha/kitchen");
    rmSync(`${nodeFile}.last-good`, { force: true });
    writeFileSync(nodeFile, "{");
    process.kill(before, "SIGKILL");
    const errors = async () => (await statusOf(mesh)).config.errors as { remedy: string }[];
    await until("it waits", async () =>
      (await errors()).some(({ remedy }) => remedy.includes("does nothing")),
    );
    const waiting = mesh.pid("alpha/kitchen");
    expect(waiting).not.toBe(before);
    await until("that is logged", () => {
      const told = incidents(mesh.state).filter(({ event }) => event === "config.errors");
      return JSON.stringify(told).includes("the node does nothing until it is mended");
    });
    writeFileSync(nodeFile, good);
    await until("all is ready", () => isReady(mesh));
    expect(mesh.pid("alpha/kitchen")).toBe(waiting);
  });
});

describe("a disk that was full once", () => {
  test("is written to again when there is room, and nobody has to do anything", async ({ skip }) => {
    expect((await mesh.adaos(["down"])).code).toBe(0);
    const store = join(mesh.state, "store/alpha");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=110m,mode=700", "tmpfs", store], { stdio: "pipe" });
    } catch (thrown) {
      await mesh.up();
      skip(`no file system of its own can be mounted here: ${String(thrown)}`);
    }
    try {
      await mesh.up();
      const bus = await mesh.connect("alpha/kitchen", { outbox: false });
      const published = (): Promise<boolean> =>
        bus.publish("ui.notify", { text: "x".repeat(1000) }).then(
          () => true,
          () => false,
        );
      await until("events are stored", published);
      const fill = join(store, "fill");
      expect(() => writeFileSync(fill, Buffer.alloc(120 * 1_048_576))).toThrow("ENOSPC");
      await until("none is stored any more", async () => !(await published()));
      expect((await statusOf(mesh)).components).toContainEqual(
        expect.objectContaining({
          name: "nats-alpha",
          ready: false,
          note: expect.stringContaining("write error"),
        }),
      );
      rmSync(fill);
      const freeMs = Date.now();
      await until("events are stored again", published);
      console.log(`events were stored again ${Date.now() - freeMs} ms after there was room`);
      await bus.close();
      expect(incidents(mesh.state).at(-1)).toMatchObject({
        component: "nats-alpha",
        reason: expect.stringContaining("write error"),
      });
    } finally {
      await mesh.adaos(["down"]);
      execFileSync("umount", [store]);
    }
  }, 180_000);
});

/** Without members: each of the many starts costs as little as it can. */
const NO_MEMBERS = MESH.replace(/members: .*/, "members: {}");

/** A mesh of its own, whose supervisor is killed again and again. */
class KilledMesh {
  readonly dir: string = mkdtempSync(join(tmpdir(), "adaos-kill-"));
  readonly #state = join(this.dir, "state");
  readonly #config = join(this.dir, "mesh.yaml");

  constructor() {
    writeFileSync(this.#config, NO_MEMBERS.replace("../schemas/events", join(HOME, "schemas/events")));
  }

  /** Begins `up`, and resolves with its supervisor when that begins to start processes. */
  async up(): Promise<{ readonly pid: number; readonly result: Promise<unknown> }> {
    const sign = join(this.#state, "logs/nats-root.out");
    rmSync(sign, { force: true });
    const run = beginAdaos(["up", "--config", this.#config], { env: { ADAOS_STATE: this.#state } });
    const { child, result } = run;
    const hasEnded = (): boolean => child.exitCode !== null;
    await until("it starts its processes, or has ended", () => existsSync(sign) || hasEnded(), 60_000);
    if (!hasEnded()) return { pid: child.pid ?? 0, result };
    // A guard that was left alone was quicker: its supervisor has the mesh, and `up` says so.
    expect((await result).stderr).toContain("already runs");
    return { pid: this.#processes?.supervisor.pid ?? 0, result };
  }

  get guard(): number | undefined {
    return this.#processes?.guard?.pid;
  }

  get #processes(): { supervisor: { pid: number }; guard?: { pid: number } } | undefined {
    const file = join(this.#state, "run/processes.json");
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
  }

  /** Servers that run on one store. */
  serversOf(of: string): number[] {
    return processesOf(join(this.dir, `state/servers/${of}.conf`), "nats-server");
  }

  async down(): Promise<void> {
    const { code, stderr } = await beginAdaos(["down"], { env: { ADAOS_STATE: this.#state } }).result;
    if (code !== 0) throw new Error(stderr);
  }
}

describe("a supervisor that is killed while it starts its children", () => {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

  test(`leaves nothing that the next one does not know of (seed ${seed})`, async () => {
    const killed = new KilledMesh();
    let random = seed;
    const next = (): number => {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      return random / 2_147_483_648;
    };
    try {
      for (let i = 0; i < 15; i++) {
        const { pid, result } = await killed.up();
        // From the first child on until all of them run.
        await new Promise((resolve) => setTimeout(resolve, next() * 60));
        const { guard } = killed;
        // In most rounds nobody brings it back.
        if (guard !== undefined && next() < 0.7) process.kill(guard, "SIGKILL");
        process.kill(pid, "SIGKILL");
        await result;
        for (const of of ["root", "alpha"]) expect([i, killed.serversOf(of).length < 2]).toEqual([i, true]);
        if (next() < 0.3) await killed.down();
      }
      await killed.down();
      // A guard that was about to go on finds nothing to go on with, and ends.
      await until("nothing is left", async () => {
        return (await leftovers(processesOf(killed.dir), [])).length === 0;
      });
    } finally {
      for (const pid of processesOf(killed.dir)) process.kill(pid, "SIGKILL");
      rmSync(killed.dir, { recursive: true, force: true });
    }
  }, 240_000);
});
