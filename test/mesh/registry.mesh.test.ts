import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus, ConnectOptions } from "@adaos/client";
import { type Logger, newEventId } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

/** Every node begins with this folder; only the root follows it. */
const REGISTRY = "REGISTRY_FOLDER";
const YAML = `
mesh: registry
registry: ${REGISTRY}
subnets:
  alpha:
    signatures: { sign: k1 }
    export: [lab., ui.]
    import: [lab., ui.]
    members:
      kitchen: { publish: [lab., ui.], subscribe: [ui.] }
      speaker: { publish: [ui.], subscribe: [lab., ui.] }
      lookout: { subscribe: [mesh.policy.denied] }
  beta:
    export: [ui.]
    import: [lab., ui.]
    members:
      desk: { publish: [ui.], subscribe: ["*"] }
      lamp: { publish: [ui.], subscribe: [ui.] }
`;

/** A log that keeps what it is told. */
class KeptLog implements Logger {
  readonly lines: { readonly fields: Record<string, unknown>; readonly event: string }[] = [];
  debug = (): void => undefined;
  info = (fields: object, event: string): void => this.#keep(fields, event);
  warn = (fields: object, event: string): void => this.#keep(fields, event);
  error = (fields: object, event: string): void => this.#keep(fields, event);

  of(event: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line.event === event).map(({ fields }) => fields);
  }

  #keep(fields: object, event: string): void {
    this.lines.push({ fields: { ...fields }, event });
  }
}

interface Component {
  readonly name: string;
  readonly ready: boolean;
  readonly note: string;
  readonly details?: {
    readonly registry?: {
      hash?: string;
      hub?: string;
      relation?: string;
      refused?: string;
      waiting?: string;
    };
  };
}

let mesh: TestMesh;
let folder: string;
/** A registry of its own for who publishes what the mesh does not know yet. */
let ahead: string;

function addEvent(dir: string, name: string, fields = "", xVersion = "1.0.0", properties = {}): void {
  const path = `${name.replace(".", "/")}/v1`;
  mkdirSync(join(dir, path), { recursive: true });
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:adaos:schema:${name}:v1`,
    "x-version": xVersion,
    type: "object",
    properties: { n: { type: "integer" }, ...properties },
    required: ["n"],
    additionalProperties: false,
  };
  writeFileSync(join(dir, path, "schema.json"), JSON.stringify(schema));
  const record = `\n- { name: ${name}, version: 1, kind: event, summary: Of a test., status: stable, schema: ${path}/schema.json${fields} }\n`;
  const index = join(dir, "registry.yaml");
  const text = readFileSync(index, "utf8");
  if (!text.includes(`name: ${name},`)) writeFileSync(index, text + record);
}

async function components(): Promise<readonly Component[]> {
  return (await mesh.health()).components as readonly Component[];
}

async function nodeOf(name: string): Promise<Component> {
  const found = (await components()).find((component) => component.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Connects as a member whose machine has another registry folder. */
function connectWith(dir: string, member: string, options: Partial<ConnectOptions> = {}): Promise<Bus> {
  const nodeFile = join(mesh.state, "nodes", `${member}.json`);
  const file = JSON.parse(readFileSync(nodeFile, "utf8")) as Record<string, unknown>;
  const { outbox: _, ...rest } = file;
  const config = join(mesh.state, "nodes", `${member}-elsewhere.json`);
  const registryCache = join(mesh.dir, `${member.replace("/", "_")}-elsewhere-cache.json`);
  writeFileSync(config, JSON.stringify({ ...rest, registry: dir, registryCache }));
  return mesh.connect(member, { config, ...options });
}

/** A durable that keeps the numbers it was given, by event. */
async function collect(bus: Bus, pattern: string, durable: string): Promise<Map<string, number[]>> {
  const seen = new Map<string, number[]>();
  await bus.subscribe(pattern, { durable, maxConcurrency: 1 }, ({ event_name, data }) => {
    const { n, text } = data as { n?: number; text?: string };
    seen.set(event_name, [...(seen.get(event_name) ?? []), n ?? Number(text)]);
  });
  return seen;
}

async function parkedIn(subnet: string): Promise<number> {
  const { stdout } = await mesh.ask(["events", "status", "--at", subnet, "--json"]);
  return (JSON.parse(stdout) as { parked: number }).parked;
}

beforeAll(async () => {
  mesh = await TestMesh.start({ yaml: YAML.replace(REGISTRY, "../schemas/events") });
  await mesh.adaos(["down"]);
  folder = join(mesh.dir, "registry");
  ahead = join(mesh.dir, "ahead");
  for (const dir of [folder, ahead]) cpSync(join(HOME, "schemas/events"), dir, { recursive: true });
  mesh.configure(YAML.replace(REGISTRY, folder));
  await mesh.up();
});

afterAll(async () => {
  await mesh?.stop();
});

describe("the registry of a running mesh", () => {
  test("every node tells the same hash, and the hubs have it from the root", async () => {
    await until("all tell it", async () => {
      const nodes = (await components()).filter(({ name }) => /^(root|alpha\/|beta\/)/.test(name));
      const told = new Set(
        nodes.filter(({ note }) => note.includes("registry")).map(({ note }) => note.split("registry ")[1]),
      );
      return nodes.length === 8 && told.size === 1 && !told.has("none") && nodes.every(({ ready }) => ready);
    });
  });

  test("a change at the root reaches hubs and members within seconds, and a node that is behind says so", async () => {
    const log = new KeptLog();
    const speaker = await mesh.connect("alpha/speaker", { log });
    await expect(speaker.publish("ui.dimmed", { n: 1 })).rejects.toMatchObject({ code: "unknown-event" });
    addEvent(folder, "ui.dimmed");
    const startMs = Date.now();
    await until("it may be published", () =>
      speaker.publish("ui.dimmed", { n: 1 }).then(
        () => true,
        () => false,
      ),
    );
    console.log(`a change was in force at a member after ${Date.now() - startMs} ms`);
    const told = "registry is not that of the hub; the hub's is used beside it";
    await until("it says so", () => log.of(told).length > 0);
    expect(log.of(told)).toEqual([expect.objectContaining({ relation: "older" })]);
    await until("its daemon says so", async () =>
      /registry older: [0-9a-f]{8} here, [0-9a-f]{8} at the hub/.test((await nodeOf("alpha/speaker")).note),
    );
    expect(await nodeOf("alpha/speaker")).toMatchObject({ ready: true });
  });

  test("a higher x-version is followed, a lower one changes nothing", async () => {
    addEvent(ahead, "ui.dimmed", "", "1.2.0", { level: { type: "integer" } });
    const lamp = await connectWith(ahead, "beta/lamp");
    await until("the hub's is read", async () => {
      await lamp.publish("ui.dimmed", { n: 1, level: 2 });
      return true;
    });
    const desk = await mesh.connect("beta/desk");
    await until("the hub's first version is there", () =>
      desk.publish("ui.dimmed", { n: 1 }).then(
        () => true,
        () => false,
      ),
    );
    await expect(desk.publish("ui.dimmed", { n: 1, level: 2 })).rejects.toMatchObject({
      code: "invalid-event",
    });
    addEvent(folder, "ui.dimmed", "", "1.1.0", { level: { type: "integer" } });
    await until("the member takes the higher one", () =>
      desk.publish("ui.dimmed", { n: 1, level: 2 }).then(
        () => true,
        () => false,
      ),
    );
  });

  test("a folder that is broken is not taken: the last good registry holds, and the status says so", async () => {
    const index = join(folder, "registry.yaml");
    const good = readFileSync(index, "utf8");
    const hash = (await nodeOf("alpha/hub")).details?.registry?.hash;
    writeFileSync(index, `${good}\n- { name: broken, oops: 1 }\n`);
    await until("the root says so", async () => {
      const { ready, note } = await nodeOf("root");
      return !ready && note.includes("is broken, the last good version is offered");
    });
    expect((await nodeOf("alpha/hub")).details?.registry?.hash).toBe(hash);
    writeFileSync(index, good);
    await until("it is well again", async () => (await nodeOf("root")).ready);
  });

  /** The event's schema as it was, and with an edit that raises its version. */
  function edit(name: string, xVersion: string, change: (schema: Record<string, unknown>) => object): string {
    const file = join(folder, name.replace(".", "/"), "v1/schema.json");
    const text = readFileSync(file, "utf8");
    const schema = JSON.parse(text) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...schema, ...change(schema), "x-version": xVersion }));
    return text;
  }
  const restore = (name: string, text: string): void =>
    writeFileSync(join(folder, name.replace(".", "/"), "v1/schema.json"), text);
  const hubHash = async (): Promise<unknown> => (await nodeOf("alpha/hub")).details?.registry?.hash;

  test("a change that breaks is never served, not even by a root that starts anew, and the status says what to do", async () => {
    const desk = await mesh.connect("beta/desk");
    const hash = await hubHash();
    const good = edit("ui.dimmed", "1.2.0", () => ({ required: ["n", "level"] }));
    await until("the root says so", async () => {
      const { ready, note } = await nodeOf("root");
      return ready && note.includes("refused (breaking-change): ui.dimmed@1 breaks what is in force: /level");
    });
    expect((await nodeOf("root")).note).toContain("adaos events scaffold ui.dimmed --version 2");
    const applied = await mesh.ask(["registry", "apply", "--yes"]);
    expect([applied.code, applied.stdout]).toEqual([78, expect.stringContaining("ui.dimmed@1 breaking")]);
    await desk.publish("ui.dimmed", { n: 1 });
    process.kill(mesh.pid("root"), "SIGKILL");
    await until(
      "the root is back",
      async () => (await nodeOf("root")).note.includes("breaking-change"),
      60_000,
    );
    await until("all is well", async () => (await components()).every(({ ready }) => ready), 60_000);
    expect(await hubHash()).toBe(hash);
    // Who begins with the folder as it is saved works by what is in force, too.
    const fresh = await mesh.connect("alpha/speaker");
    await until("what is in force is known", () =>
      fresh.publish("ui.dimmed", { n: 1 }).then(
        () => true,
        () => false,
      ),
    );
    restore("ui.dimmed", good);
    await until("nothing is said", async () => !(await nodeOf("root")).note.includes("refused"));
  });

  test("with autoApply: false a change waits for adaos registry apply, which tells it first", async () => {
    mesh.configure(YAML.replace(REGISTRY, `{ path: ${folder}, autoApply: false }`));
    expect((await mesh.ask(["policy", "apply", "--yes"])).code).toBe(0);
    const hash = await hubHash();
    addEvent(folder, "ui.brightened");
    await until("the root says so", async () =>
      (await nodeOf("root")).note.includes("1 changed event to be put in force: adaos registry apply"),
    );
    const dry = await mesh.ask(["registry", "apply", "--dry-run"]);
    expect([dry.code, dry.stdout]).toEqual([0, "ui.brightened@1 new\n"]);
    expect(await hubHash()).toBe(hash);
    const { code, stdout } = await mesh.ask(["registry", "apply", "--yes", "--json"]);
    const told = JSON.parse(stdout) as { hash: string; in_force_ms: number };
    expect([code, told]).toEqual([
      0,
      expect.objectContaining({
        change: 1,
        changes: [{ event: "ui.brightened@1", change: "new", notes: [] }],
      }),
    ]);
    console.log(`a change was in force everywhere ${told.in_force_ms} ms after its approval`);
    expect(await hubHash()).toBe(told.hash);
    const speaker = await mesh.connect("alpha/speaker");
    await speaker.publish("ui.brightened", { n: 1 });
    const again = await mesh.ask(["registry", "apply", "--yes"]);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("0 events changed, in force")]);
  });

  test("what is classified holds at the links at once, while the change itself still waits", async () => {
    const speaker = await mesh.connect("alpha/speaker");
    const desk = await mesh.connect("beta/desk");
    const seen = await collect(desk, "ui.", "classified");
    const denials: unknown[] = [];
    const lookout = await mesh.connect("alpha/lookout");
    await lookout.subscribe("mesh.policy.denied", { durable: "denials" }, ({ data }) => {
      denials.push(data);
    });
    const good = edit("ui.brightened", "1.1.0", ({ properties }) => ({
      properties: { ...(properties as object), n: { type: "integer", "x-classification": "pii" } },
    }));
    await until("it waits", async () =>
      (await nodeOf("root")).note.includes("1 changed event to be put in force"),
    );
    const { eventId } = await speaker.publish("ui.brightened", { n: 7 });
    await speaker.publish("ui.notify", { text: "8" });
    await until("what came behind is there", () => seen.get("ui.notify")?.includes(8) === true);
    expect(seen.get("ui.brightened")).toBeUndefined();
    await until("it is told", () => denials.length > 0);
    expect(denials[0]).toMatchObject({ hop: "export", node: "alpha", rule: "clearance", event_id: eventId });
    restore("ui.brightened", good);
    await until("it passes again", async () => {
      await speaker.publish("ui.brightened", { n: 9 });
      return seen.get("ui.brightened")?.includes(9) === true;
    });
    mesh.configure(YAML.replace(REGISTRY, folder));
    expect((await mesh.ask(["policy", "apply", "--yes"])).code).toBe(0);
  });

  test("a member that is started while its hub is away works by what it was served last", async () => {
    const options = { waitForServer: true };
    const before = await mesh.connect("alpha/speaker");
    await until("served", () =>
      before.publish("ui.dimmed", { n: 1 }).then(
        () => true,
        () => false,
      ),
    );
    await before.close();
    const goOn = mesh.freeze("nats-alpha", "alpha/hub");
    const old = join(mesh.dir, "old");
    cpSync(join(HOME, "schemas/events"), old, { recursive: true });
    const file = JSON.parse(readFileSync(join(mesh.state, "nodes/alpha/speaker.json"), "utf8")) as object;
    const config = join(mesh.state, "nodes/alpha/speaker-old.json");
    writeFileSync(config, JSON.stringify({ ...file, registry: old }));
    try {
      const bus = await mesh.connect("alpha/speaker", { ...options, config });
      expect(await bus.publish("ui.dimmed", { n: 2 })).toMatchObject({ stream: "outbox" });
    } finally {
      goOn();
    }
  });
});

describe("an event whose schema is not known yet", () => {
  const COUNT = 600;

  test("is parked, blocks nothing, survives kills, and is handled once when its schema comes", async () => {
    addEvent(ahead, "lab.sample.weighed");
    const kitchen = await connectWith(ahead, "alpha/kitchen");
    const first = await mesh.connect("beta/desk");
    const seenFirst = await collect(first, "*", "lab");
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    await Promise.all(numbers.map((n) => kitchen.publish("lab.sample.weighed", { n })));
    await kitchen.publish("ui.notify", { text: "7" });
    await until("what comes behind is handled", () => seenFirst.get("ui.notify")?.length === 1);
    await until("all are parked", async () => first.stats.parked === COUNT);
    expect(await parkedIn("beta")).toBeGreaterThanOrEqual(COUNT);
    await first.close();

    for (const name of ["nats-beta", "beta/hub", "root"]) process.kill(mesh.pid(name), "SIGKILL");
    await until("all is up again", async () => (await components()).every(({ ready }) => ready), 60_000);
    const second = await mesh.connect("beta/desk");
    const seen = await collect(second, "*", "lab");
    expect(await parkedIn("beta")).toBeGreaterThanOrEqual(COUNT);

    addEvent(folder, "lab.sample.weighed");
    const startMs = Date.now();
    await until("the first is released", () => (seen.get("lab.sample.weighed")?.length ?? 0) > 0);
    const firstMs = Date.now() - startMs;
    await until("all are", () => seen.get("lab.sample.weighed")?.length === COUNT, 60_000);
    console.log(`released after ${firstMs} ms, all ${COUNT} after ${Date.now() - startMs} ms`);
    expect(seen.get("lab.sample.weighed")).toEqual(numbers);
    await until("nothing is parked", async () => (await parkedIn("beta")) === 0, 60_000);
    expect(seenFirst.get("lab.sample.weighed")).toBeUndefined();
  });

  test("a release that is cut short by kills is finished, and handles none twice", async () => {
    addEvent(ahead, "lab.sample.dried");
    const kitchen = await connectWith(ahead, "alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    const seen = await collect(desk, "lab.", "dryer");
    const numbers = Array.from({ length: COUNT }, (_, n) => n);
    await Promise.all(numbers.map((n) => kitchen.publish("lab.sample.dried", { n })));
    await until("all are parked", () => desk.stats.parked === COUNT);
    addEvent(folder, "lab.sample.dried");
    await until("some are released", () => (seen.get("lab.sample.dried")?.length ?? 0) > 0);
    for (const name of ["beta/hub", "nats-beta"]) process.kill(mesh.pid(name), "SIGKILL");
    await until("all are handled", () => new Set(seen.get("lab.sample.dried")).size === COUNT, 90_000);
    await until("nothing is parked", async () => (await parkedIn("beta")) === 0, 60_000);
    expect(seen.get("lab.sample.dried")?.toSorted((a, b) => a - b)).toEqual(numbers);
  });

  test("at the publisher it is an error at once", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    await expect(kitchen.publish("lab.sample.lost", { n: 1 })).rejects.toMatchObject({
      code: "unknown-event",
    });
  });
});

describe("who may change what", () => {
  test("a member can neither offer a registry nor release what is another's", async () => {
    const speaker = await mesh.openMember("alpha/speaker");
    const refused = new Set<string>();
    void (async () => {
      for await (const { permissionContext } of speaker.nc.status())
        if (permissionContext !== undefined) refused.add(permissionContext.subject);
    })();
    const attacks = [
      "registry.offer",
      "link.alpha.registry",
      "svc.hub.kitchen.release",
      "svc.hub.kitchen.parked",
      "svc.hub.kitchen.park",
      `dlq.alpha.kitchen.screen.1-${newEventId(Date.now())}`,
      "parked.event.1.1.1.alpha.kitchen.ui.notify.v1",
      "parked.wait.speaker.screen.1.1.1.alpha.kitchen.ui.notify.v1",
    ];
    for (const subject of attacks) speaker.nc.publish(subject, JSON.stringify({ durable: "screen" }));
    await speaker.nc.flush();
    await until("all are refused", () => attacks.every((subject) => refused.has(subject)));
    await speaker.close();
  });

  test("a hub's leaf cannot be asked for more than before, and nothing forged is released", async () => {
    const lamp = await mesh.connect("beta/lamp");
    const seen = await collect(lamp, "ui.", "bulb");
    const bare = await mesh.openMember("beta/lamp");
    // A dead letter of one's own durable that claims to be another's, and one that holds no event.
    for (const [i, claims] of [
      { node: "beta/desk", durable: "lab" },
      { node: "beta/lamp", durable: "bulb" },
    ].entries()) {
      const letter = {
        ...claims,
        dead_letter_id: `DLQ-EVENTS_beta-${i}-x`,
        at: new Date().toISOString(),
        subject: "evt.alpha.kitchen.ui.notify.v1",
        message: { headers: {}, body_base64: Buffer.from("{}").toString("base64") },
      };
      await bare.nc.request(`dlq.beta.lamp.bulb.${i}-x`, JSON.stringify(letter));
    }
    const request = { durable: "bulb", event: "ui.notify@1", after: 0 };
    const answer = await bare.nc.request("svc.hub.lamp.release", JSON.stringify(request), {
      timeout: 10_000,
    });
    expect(answer.json()).toEqual({ released: 0 });
    expect(seen.get("ui.notify")).toBeUndefined();
    const other = { durable: "lab", event: "ui.notify@1", after: 0 };
    const denied = await bare.nc.request("svc.hub.lamp.release", JSON.stringify(other), { timeout: 10_000 });
    expect(denied.json()).toMatchObject({ error: { code: "denied" } });
    await bare.close();
    await mesh.ask(["events", "dlq", "purge", "--at", "beta", "--yes"]);
  });
});

describe("deprecated events", () => {
  test("warn once for who writes and who reads them, and are counted", async () => {
    const index = join(folder, "registry.yaml");
    const text = readFileSync(index, "utf8");
    writeFileSync(
      index,
      text.replace(
        "name: ui.dimmed, version: 1, kind: event, summary: Of a test., status: stable",
        "name: ui.dimmed, version: 1, kind: event, summary: Of a test., status: deprecated, producers: [ui.slider], consumers: [skill.light]",
      ),
    );
    const [written, read] = [new KeptLog(), new KeptLog()];
    const speaker = await mesh.connect("alpha/speaker", { log: written, component: "ui.slider" });
    const desk = await mesh.connect("beta/desk", { log: read });
    await collect(desk, "ui.", "light");
    await until("it is deprecated here", async () => {
      await speaker.publish("ui.dimmed", { n: 1 }).catch(() => undefined);
      return written.of("deprecated event in use").length > 0;
    });
    await until("and there", async () => {
      // Beta may hear of it later than alpha.
      await speaker.publish("ui.dimmed", { n: 2 });
      return read.of("deprecated event in use").length > 0;
    });
    for (let n = 0; n < 3; n++) await speaker.publish("ui.dimmed", { n });
    expect(written.of("deprecated event in use")).toEqual([
      expect.objectContaining({
        event: "ui.dimmed@1",
        node: "alpha/speaker",
        writer: "ui.slider@speaker",
        consumers: ["skill.light"],
      }),
    ]);
    expect(speaker.deprecated["ui.dimmed@1"]).toBeGreaterThanOrEqual(4);
    await until("more are read", () => (desk.deprecated["ui.dimmed@1"] ?? 0) >= 4);
    expect(read.of("deprecated event in use")).toEqual([
      expect.objectContaining({ reader: "light", writer: "ui.slider@speaker", node: "beta/desk" }),
    ]);
  });
});

describe("what is declared and what was seen", () => {
  interface Told {
    readonly drift: string;
    readonly role: string;
    readonly event: string;
    readonly component: string;
    readonly nodes: readonly string[];
  }

  test("drift tells who is declared and never seen, and who is seen and not declared", async () => {
    addEvent(folder, "lab.scale.tared", ', producers: [lab.scale, lab.ghost], consumers: ["skill.*"]');
    const kitchen = await mesh.connect("alpha/kitchen", { component: "lab.scale" });
    const stranger = await mesh.connect("alpha/kitchen", { component: "lab.stranger" });
    const desk = await mesh.connect("beta/desk");
    await collect(desk, "lab.scale.tared", "nobody");
    for (const bus of [kitchen, stranger]) {
      await until("known", () =>
        bus.publish("lab.scale.tared", { n: 1 }).then(
          () => true,
          () => false,
        ),
      );
    }
    const { code, stdout } = await mesh.ask(["events", "registry", "drift", "--since", "1h", "--json"]);
    const told = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Told);
    expect(code).toBe(78);
    expect(
      told
        .filter(({ event }) => event === "lab.scale.tared@1")
        .map(({ drift, role, component }) => `${drift} ${role} ${component}`),
    ).toEqual([
      "declared-never-seen producer lab.ghost",
      "seen-never-declared producer lab.stranger",
      "declared-never-seen consumer skill.*",
      expect.stringMatching(/^seen-never-declared consumer/),
      expect.stringMatching(/^seen-never-declared consumer/),
      expect.stringMatching(/^seen-never-declared consumer/),
    ]);
    expect(told.find(({ component }) => component === "lab.stranger")?.nodes).toEqual(["alpha/kitchen"]);
  });

  test("check tells how many stored events another registry would refuse, and where they begin", async () => {
    const good = await mesh.ask(["events", "registry", "check", "--against-stream", "1h", "--json"]);
    expect([good.code, JSON.parse(good.stdout)]).toEqual([
      0,
      expect.objectContaining({ failed: 0, failures: [] }),
    ]);
    const narrow = join(mesh.dir, "narrow");
    cpSync(folder, narrow, { recursive: true });
    const file = join(narrow, "lab/scale.tared/v1/schema.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"integer"', '"string"'));
    const bad = await mesh.ask([
      "events",
      "registry",
      "check",
      "--registry",
      narrow,
      "--against-stream",
      "1h",
      "--json",
    ]);
    expect([bad.code, JSON.parse(bad.stdout)]).toEqual([
      65,
      expect.objectContaining({
        failed: 2,
        failures: [
          {
            subnet: "alpha",
            event: "lab.scale.tared@1",
            code: "invalid-event",
            problem: "/n must be string",
            count: 2,
            first_seq: expect.any(Number),
          },
        ],
      }),
    ]);
    rmSync(narrow, { recursive: true });
  });
});
