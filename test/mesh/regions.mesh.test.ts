import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bus, Published } from "@adaos/core";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../kit/free-port.ts";
import { TestMesh, until } from "../kit/mesh.ts";
import { storedEvents } from "../kit/stored-events.ts";

/* Three regions, each linked with both others: a ring in which an event could go round for ever. */

const REGIONS = ["west", "east", "south"] as const;
type Name = (typeof REGIONS)[number];
const SUBNETS = { west: "attic", east: "cellar", south: "porch" } as const;
/** 25/s from each region. */
const TICK_MS = 40;

const others = (name: Name): Name[] => REGIONS.filter((other) => other !== name);

interface Running {
  readonly mesh: TestMesh;
  readonly port: number;
}

function yamlOf(name: Name, port: number, regions = ""): string {
  return `
mesh: ${name}
registry: ../schemas/events
root: { port: ${port}, daemons: ${name === "east" ? 2 : 1} }
${regions}
subnets:
  ${SUBNETS[name]}:
    export: [ui.]
    import: [ui.]
    members: { box: { publish: [ui.], subscribe: [ui.] } }
`;
}

async function ok(mesh: TestMesh, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mesh.adaos(args);
  if (code !== 0) throw new Error(`adaos ${args.join(" ")}: exit code ${code}\n${stderr}`);
  return stdout.trim();
}

describe("three regions that are all linked", { timeout: 240_000 }, () => {
  const running = new Map<Name, Running>();
  const buses = new Map<Name, Bus>();
  const meshOf = (name: Name): TestMesh => (running.get(name) as Running).mesh;

  /** The entries of all other regions in the mesh file of one. */
  async function entriesOf(name: Name): Promise<string> {
    const entries = others(name).map(async (other) => {
      const key = await ok(meshOf(other), "region", "key", name);
      const url = `nats://127.0.0.1:${running.get(other)?.port ?? 0}`;
      const subnets = `{ ${SUBNETS[other]}: { members: [box] } }`;
      return `  ${other}: { url: "${url}", key: ${key}, export: [ui.], import: [ui.], subnets: ${subnets} }\n`;
    });
    return `regions:\n${(await Promise.all(entries)).join("")}`;
  }

  beforeAll(async () => {
    const start = async (name: Name): Promise<void> => {
      const port = await freePort();
      running.set(name, { port, mesh: await TestMesh.start({ yaml: yamlOf(name, port) }) });
    };
    await Promise.all(REGIONS.map(start));
    for (const [name, { mesh, port }] of running) {
      mesh.configure(yamlOf(name, port, await entriesOf(name)));
      buses.set(name, await mesh.connect(`${SUBNETS[name]}/box`));
    }
    // To meshes that run.
    await Promise.all(REGIONS.map((name) => ok(meshOf(name), "policy", "apply", "--yes")));
    await until("all links carry", async () => (await Promise.all(REGIONS.map(linksCarry))).every(Boolean));
  }, 180_000);
  afterAll(async () => {
    await Promise.all([...running.values()].map(({ mesh }) => mesh.stop()));
  });

  async function linksCarry(name: Name): Promise<boolean> {
    const { components, ready } = await meshOf(name).health();
    return ready && components.filter((of) => of.name.startsWith("region ")).length >= 2;
  }

  /** The ids of a subnet's events in a stream, in order. */
  async function stored(name: Name, at: "root" | "hub", subnet: string): Promise<string[]> {
    const of = at === "root" ? "root" : SUBNETS[name];
    const stream = at === "root" ? "MESH" : `EVENTS_${of}`;
    const events = await storedEvents(meshOf(name), of, stream, `evt.${subnet}.box.>`);
    return events.map(({ id }) => id);
  }

  function countIn(name: Name, subject: string): Promise<number> {
    return meshOf(name).asService("root", async (nc) => {
      const { streams } = await nc.jetstreamManager();
      const { state } = await streams.info("MESH", { subjects_filter: subject });
      return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    });
  }

  test("under load, with a server and a daemon killed, each event comes to each other region once and in order", async () => {
    const sent = new Map<Name, Promise<Published>[]>(REGIONS.map((name) => [name, []]));
    const clock = setInterval(() => {
      for (const [name, events] of sent)
        events.push((buses.get(name) as Bus).publish("ui.notify", { text: `${name} ${events.length}` }));
    }, TICK_MS);
    const published = async (count: number): Promise<void> => {
      const from = sent.get("west")?.length ?? 0;
      await until("more is published", () => (sent.get("west")?.length ?? 0) >= from + count);
    };
    try {
      await published(40);
      process.kill(meshOf("west").pid("nats-root"), "SIGKILL");
      await published(40);
      process.kill(meshOf("east").pid("root"), "SIGKILL");
      await published(40);
      process.kill(meshOf("south").pid("nats-root"), "SIGKILL");
      process.kill(meshOf("west").pid("root"), "SIGKILL");
      await published(40);
    } finally {
      clearInterval(clock);
    }
    const ids = new Map<Name, string[]>();
    for (const [name, events] of sent)
      ids.set(
        name,
        (await Promise.all(events)).map((event) => event.eventId),
      );
    for (const name of REGIONS) {
      for (const origin of REGIONS) {
        const all = ids.get(origin) ?? [];
        await expect
          .poll(() => countIn(name, `evt.${SUBNETS[origin]}.box.>`), { timeout: 60_000 })
          .toBe(all.length);
        expect(await stored(name, "root", SUBNETS[origin])).toEqual(all);
      }
    }
    // One more from each: what goes round would have come by then.
    const last = REGIONS.map((name) => (buses.get(name) as Bus).publish("ui.notify", { text: "the last" }));
    for (const [i, published] of (await Promise.all(last)).entries())
      ids.get(REGIONS[i] as Name)?.push(published.eventId);
    for (const name of REGIONS) {
      for (const origin of REGIONS) {
        await expect
          .poll(() => stored(name, "hub", SUBNETS[origin]), { timeout: 60_000 })
          .toEqual(ids.get(origin));
        expect(await stored(name, "root", SUBNETS[origin])).toEqual(ids.get(origin));
      }
    }
  });

  test("the link of a region may do nothing but pull its durable", async () => {
    const west = running.get("west") as Running;
    const seed = readFileSync(join(meshOf("east").state, "keys/root/regions/west.nk"), "utf8").trim();
    const before = await countIn("west", ">");
    const nc: NatsConnection = await connect({
      servers: `nats://127.0.0.1:${west.port}`,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      inboxPrefix: "_INBOX_region-east",
      reconnect: false,
    });
    try {
      const next = "$JS.API.CONSUMER.MSG.NEXT.MESH";
      const attacks = [
        "$JS.API.INFO",
        "$JS.API.STREAM.NAMES",
        "$JS.API.STREAM.INFO.MESH",
        "$JS.API.STREAM.PURGE.MESH",
        "$JS.API.STREAM.MSG.GET.MESH",
        "$JS.API.DIRECT.GET.MESH",
        "$JS.API.CONSUMER.CREATE.MESH.mine.evt.>",
        "$JS.API.CONSUMER.DURABLE.CREATE.MESH.region_east",
        "$JS.API.CONSUMER.DELETE.MESH.region_south",
        "$JS.API.CONSUMER.INFO.MESH.region_south",
        "$JS.API.CONSUMER.UNPIN.MESH.to-attic",
        `${next}.region_south`,
        `${next}.to-attic`,
        "$SYS.REQ.SERVER.PING",
        "$SRV.PING",
        "link.attic.in.attic.box.ui.notify.v1",
        "link.attic.CONSUMER.MSG.NEXT.EVENTS_attic.root",
        "join.1",
        "evt.attic.box.ui.notify.v1",
        "evt.cellar.box.ui.notify.v1",
        "$JS.ACK.MESH.region_south.1.1.1.1.0",
      ];
      const answers = await Promise.allSettled(
        attacks.map((subject) => nc.request(subject, "{}", { timeout: 500 })),
      );
      expect(answers.map(({ status }, i) => [attacks[i], status])).toEqual(
        attacks.map((subject) => [subject, "rejected"]),
      );
      // Under another's subject, an answer would be stored: a request for nothing is answered at once.
      for (const reply of ["evt.attic.box.ui.notify.v1", "_INBOX_root.stolen"])
        nc.publish(`${next}.region_east`, JSON.stringify({ batch: 1, no_wait: true, group: "none" }), {
          reply,
        });
      nc.publish("$JS.API.CONSUMER.INFO.MESH.region_east", "", { reply: "evt.attic.box.ui.notify.v1" });
      const own = await nc.request("$JS.API.CONSUMER.INFO.MESH.region_east", "", { timeout: 5000 });
      expect(own.json<{ name: string }>().name).toBe("region_east");
      for (const subject of [">", "evt.>", "$JS.EVENT.>", "_INBOX_root.>", "_INBOX_region-south.>"]) {
        const refused = await new Promise<boolean>((resolve) => {
          const sub = nc.subscribe(subject, { callback: (err) => resolve(err !== null) });
          void nc.flush().then(() => setTimeout(() => resolve(false), 300).unref());
          void sub.closed.then(() => resolve(true));
        });
        expect([subject, refused]).toEqual([subject, true]);
      }
    } finally {
      await nc.close();
    }
    expect(await countIn("west", ">")).toBe(before);
  });

  test("a region that sends events of others, or of unknown members, is refused and counted", async () => {
    // Of both root daemons, of which one carries.
    const told = async (): Promise<number> => {
      const { components } = await meshOf("east").health();
      const links = components.filter(({ name }) => name.startsWith("region west"));
      return links.reduce((sum, { details }) => sum + Number(details?.["refused"] ?? 0), 0);
    };
    const before = await Promise.all([countIn("east", "evt.>"), told()]);
    const lies = [
      "evt.cellar.box.ui.notify.v1",
      "evt.porch.box.ui.notify.v1",
      "evt.nowhere.box.ui.notify.v1",
      "evt.attic.stranger.ui.notify.v1",
      "evt.attic.box.nlp.intent.weather.v1",
    ];
    await meshOf("west").asService("root", async (nc) => {
      const { consumers } = await nc.jetstreamManager();
      const js = nc.jetstream();
      await consumers.update("MESH", "region_east", { filter_subjects: ["evt.>"] });
      for (const subject of lies) await js.publish(subject, "{}");
    });
    await expect.poll(told, { timeout: 20_000 }).toBe(before[1] + lies.length);
    expect(await countIn("east", "evt.>")).toBe(before[0]);
    const shown = (await ok(meshOf("east"), "region", "list", "--json")).split("\n");
    const west = shown
      .map((line) => JSON.parse(line) as { region: string })
      .find(({ region }) => region === "west");
    expect(west).toMatchObject({
      from: { ready: true, refused: before[1] + lies.length },
      to: { waiting: 0 },
    });
  });

  test("a region that is taken out of the file is shut out, and its durable is gone", async () => {
    const { mesh, port } = running.get("south") as Running;
    const entries = (await entriesOf("south")).split("\n").filter((line) => !line.includes("west:"));
    mesh.configure(yamlOf("south", port, entries.join("\n")));
    await ok(mesh, "policy", "apply", "--yes");
    const names = await mesh.asService("root", async (nc) => {
      const found: string[] = [];
      for await (const { name } of (await nc.jetstreamManager()).consumers.list("MESH")) found.push(name);
      return found.filter((name) => name.startsWith("region_"));
    });
    expect(names).toEqual(["region_east"]);
    await expect
      .poll(async () => {
        const { components } = await meshOf("west").health();
        return components.find(({ name }) => name === "region south")?.ready;
      })
      .toBe(false);
    const published = await (buses.get("west") as Bus).publish("ui.notify", { text: "not for south" });
    await expect.poll(() => stored("east", "hub", "attic")).toContain(published.eventId);
    expect(await stored("south", "root", "attic")).not.toContain(published.eventId);
  });
});
