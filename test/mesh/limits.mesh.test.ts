import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const MESH = `
mesh: limits
registry: ../schemas/events
subnets:
  alpha:
    export: [ui.]
    exportLimit: { eventsPerSecond: 50 }
    members: { flood: { publish: [ui.] } }
  beta:
    import: [ui.]
    members: { desk: { subscribe: [ui.] } }
  gamma:
    export: [ui.]
    members:
      calm: { publish: [ui.], limits: [{ events: ui., eventsPerSecond: 20 }] }
`;
const FLOOD = 600;
const PER_SECOND = 50;

describe("limits", { timeout: 90_000 }, () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  /** When each event of a subnet was stored in beta, in order. */
  function arrivedFrom(subnet: string): Promise<number[]> {
    return mesh.asService("beta", async (nc) => {
      const { num_pending: count } = await (
        await nc.jetstream().consumers.get("EVENTS_beta", {
          filterSubjects: `evt.${subnet}.>`,
        })
      ).info(true);
      if (count === 0) return [];
      const consumer = await nc
        .jetstream()
        .consumers.get("EVENTS_beta", { filterSubjects: `evt.${subnet}.>` });
      const atMs: number[] = [];
      for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
        atMs.push(message.info.timestampNanos / 1e6);
      }
      return atMs;
    });
  }

  test("a subnet that floods is carried at its limit, and its neighbour at once", async () => {
    const flood = await mesh.connect("alpha/flood");
    const calm = await mesh.connect("gamma/calm");
    const startedMs = Date.now();
    await Promise.all(Array.from({ length: FLOOD }, () => flood.publish("ui.notify", { text: "much" })));
    for (let i = 0; i < 10; i++) await calm.publish("ui.notify", { text: "little" });
    await until("the neighbour's are there", async () => (await arrivedFrom("gamma")).length === 10);
    expect((await arrivedFrom("alpha")).length).toBeLessThan(FLOOD);
    await until("all are there", async () => (await arrivedFrom("alpha")).length === FLOOD, 60_000);
    const atMs = await arrivedFrom("alpha");
    // A second's worth at once, and then as much as time brings. Counted from the first publish: a machine that stands
    // still for a moment stores what was pulled before it all at once, and no window of a second could tell that apart.
    const ahead = Math.max(...atMs.map((ms, i) => i + 1 - ((ms - startedMs) / 1000) * PER_SECOND));
    process.stdout.write(
      `${FLOOD} events in ${Math.round((atMs.at(-1) ?? 0) - startedMs)} ms, at most ${Math.round(ahead)} ahead of the limit\n`,
    );
    expect(ahead).toBeLessThan(2 * PER_SECOND);
  });

  test("a limit that is lifted while the mesh runs lets the rest flow", async () => {
    const flood = await mesh.connect("alpha/flood");
    const before = (await arrivedFrom("alpha")).length;
    await Promise.all(Array.from({ length: FLOOD }, () => flood.publish("ui.notify", { text: "much" })));
    mesh.configure(MESH.replace("eventsPerSecond: 50", "eventsPerSecond: 100000"));
    expect((await mesh.adaos(["policy", "apply", "--yes"])).code).toBe(0);
    await until("all are there", async () => (await arrivedFrom("alpha")).length === before + FLOOD);
  });

  test("a member that publishes too much is told so, and others are lifted while it runs", async () => {
    const calm = await mesh.connect("gamma/calm");
    const tell = (): Promise<string> =>
      calm.publish("ui.notify", { text: "x" }).then(
        () => "stored",
        ({ code }: { code: string }) => code,
      );
    const first = await Promise.all(Array.from({ length: 60 }, tell));
    expect(first.filter((outcome) => outcome === "stored").length).toBeGreaterThanOrEqual(20);
    expect(first).toContain("backpressure");
    expect(new Set(first)).toEqual(new Set(["stored", "backpressure"]));
    mesh.configure(MESH.replace("eventsPerSecond: 20", "eventsPerSecond: 100000"));
    expect((await mesh.adaos(["policy", "apply", "--yes"])).code).toBe(0);
    await until("the program follows", async () => {
      const again = await Promise.all(Array.from({ length: 60 }, tell));
      return again.every((outcome) => outcome === "stored");
    });
  });
});
