import type { Bus, Envelope } from "@adaos/client";
import { decodeEnvelope } from "@adaos/core";
import { storedMessages } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { randomFrom } from "../kit/random.ts";

const SEED = Number(process.env["ADAOS_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
/** Of hub daemon and server, around the times at which timers fire. */
const KILLS = Number(process.env["ADAOS_TEST_KILLS"] ?? 6);

/** Longer than a publisher tries to store one message. */
const WINDOW_MS = 15_000;
const yaml = (timers: string): string => `
mesh: timers
registry: ../schemas/events
streams: { duplicateWindowMs: ${WINDOW_MS} }
subnets:
  alpha:
    members:
      kitchen:
        publish: [timer., ui.]
        timers: { ${timers} }
      desk: { subscribe: ["*"] }
      lamp: { publish: [scenario.] }
`;
// A timer without an event publishes timer.tick.
const SLOW = "slow: { every: 1h }";

type TimerJson = {
  readonly name: string;
  readonly next: string | null;
  readonly state: string;
  readonly fired: number;
  readonly skipped: Readonly<Record<string, number>>;
};

describe("timers", () => {
  let mesh: TestMesh;
  let desk: Bus;
  const came: Envelope[] = [];
  const cameFrom = (timer: string): Envelope[] => came.filter(({ headers }) => headers["timer"] === timer);
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: yaml(SLOW) });
    desk = await mesh.connect("alpha/desk");
    await desk.subscribe("*", { durable: "watch" }, (event) => {
      came.push(event);
    });
  });
  afterAll(() => mesh.stop());

  async function timer(...args: readonly string[]) {
    const { code, stdout, stderr } = await mesh.ask(["timer", ...args]);
    return { code, stdout: stdout.trimEnd(), stderr };
  }

  async function show(name: string): Promise<TimerJson> {
    return JSON.parse((await timer("show", `alpha/kitchen/${name}`, "--json")).stdout) as TimerJson;
  }

  test("add, list, show, next, pause, resume, trigger, backfill, remove", async () => {
    // The only member that may publish it is its owner.
    const run = ["add", "*/5 * * * *", "--event", "scenario.run", "--data", '{"name":"morning"}', "--json"];
    const added = JSON.parse((await timer(...run)).stdout) as TimerJson & { node: string };
    expect(added).toMatchObject({ node: "alpha/lamp", cron: "*/5 * * * *", zone: "UTC", state: "active" });
    // The same command means the same timer.
    expect((JSON.parse((await timer(...run)).stdout) as TimerJson).name).toBe(added.name);
    const tick = ["--as", "alpha/kitchen", "--name"];
    expect((await timer("add", "--every", "1h", ...tick, "hourly")).stdout).toMatch(
      /^timer +alpha\/kitchen\/hourly$/m,
    );
    expect((await timer("list")).stdout.split("\n")).toHaveLength(4);
    const names = (await timer("list", "--json")).stdout
      .split("\n")
      .map((line) => (JSON.parse(line) as TimerJson).name);
    expect(names).toEqual(["hourly", "slow", added.name]);
    expect((await timer("next", "alpha/kitchen/hourly", "3")).stdout.split("\n")).toHaveLength(3);
    expect((await timer("pause", "alpha/kitchen/hourly")).stdout).toBe("1 paused");
    expect(await show("hourly")).toMatchObject({ state: "paused", next: null });
    expect((await timer("resume", "alpha/kitchen/hourly")).stdout).toBe("1 resumed");
    const id = (await timer("trigger", "alpha/kitchen/hourly")).stdout;
    await until("the trigger came", () => cameFrom("hourly").some(({ event_id }) => event_id === id));
    const declared = (await timer("trigger", "alpha/kitchen/slow")).stdout;
    await until("the declared one came", () =>
      cameFrom("slow").some(({ event_id }) => event_id === declared),
    );
    for (const event of [...cameFrom("hourly"), ...cameFrom("slow")])
      expect(event).toMatchObject({ event_name: "timer.tick", version: 1, source: "timer@kitchen" });
    const past = [
      "backfill",
      "alpha/kitchen/hourly",
      "--from",
      "2026-01-05T00:00",
      "--to",
      "2026-01-05T03:30",
      "--id",
      "b1",
    ];
    expect(JSON.parse((await timer(...past, "--dry-run", "--json")).stdout)).toMatchObject({ dry_run: true });
    const { stdout } = await timer(...past, "--yes", "--json");
    const { published } = JSON.parse(stdout) as { published: number };
    await timer(...past, "--yes");
    await until("the backfill came", () => cameFrom("hourly").length === 1 + published);
    expect((await timer("remove", "alpha/kitchen/hourly", "--yes")).stdout).toBe("1 removed");
    expect(await timer("show", "alpha/kitchen/hourly")).toMatchObject({ code: 64 });
    await timer("remove", `alpha/lamp/${added.name}`, "--yes");
  });

  test("says what is wrong, and makes nothing", async () => {
    const cases: readonly (readonly [args: readonly string[], why: RegExp, code: number])[] = [
      [["61 * * * *", "--event", "timer.tick"], /"61" as minute; write 0 to 59/, 64],
      [["0 0 30 2 *", "--event", "timer.tick"], /names a day that never comes/, 64],
      [
        ["* * * * *", "--event", "timer.tick", "--zone", "Mars/Olympus"],
        /there is no time zone "Mars\/Olympus"/,
        64,
      ],
      [["--every", "1h", "--at", "2030-01-01T00:00", "--event", "timer.tick"], /exactly one of/, 64],
      [["--at", "2020-01-01T00:00", "--event", "timer.tick"], /is past/, 64],
      [["--at", "tomorrow", "--event", "timer.tick"], /must be like 2026-12-24T18:00/, 64],
      [["--every", "1h", "--event", "ui.notify", "--data", "{}"], /breaks its schema/, 65],
      [["--every", "1h", "--event", "no.such", "--as", "alpha/kitchen"], /may not publish no\.such/, 77],
      [["--every", "1h", "--event", "nlp.intent.detected"], /no member may publish it/, 64],
    ];
    for (const [args, why, code] of cases) {
      const as = args.includes("--as") || code === 64 ? [] : ["--as", "alpha/kitchen"];
      const told = await timer("add", ...args, ...as);
      expect([args.join(" "), told.stderr]).toEqual([args.join(" "), expect.stringMatching(why)]);
      expect([args.join(" "), told.code]).toEqual([args.join(" "), code]);
    }
    expect((await timer("remove", "alpha/kitchen/slow", "--yes")).stderr).toMatch(/is in the mesh file/);
    expect((await timer("list", "--json")).stdout.split("\n")).toHaveLength(1);
  });

  test("a program schedules, and policy apply disturbs no timer that did not change", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const mine = await kitchen.schedule("mine", { everyMs: 3_600_000 }, "ui.notify", { text: "hour" });
    const before = await show("slow");
    mesh.configure(
      yaml(`${SLOW}, quick: { every: 1s, times: 2, event: ui.notify@1, data: { text: quick } }`),
    );
    expect(await mesh.ask(["policy", "apply", "--yes"])).toMatchObject({ code: 0 });
    await until("the new one has fired", () => cameFrom("quick").length === 2);
    expect(cameFrom("quick").map(({ data }) => data)).toEqual([{ text: "quick" }, { text: "quick" }]);
    expect((await show("slow")).next).toBe(before.next);
    expect((await show("mine")).next).toBe(mine.next);
    expect((await show("quick")).state).toBe("over");
    mesh.configure(yaml(SLOW));
    expect(await mesh.ask(["policy", "apply", "--yes"])).toMatchObject({ code: 0 });
    await until("it is gone", async () => (await timer("show", "alpha/kitchen/quick")).code === 64);
    expect(await kitchen.timers.remove("mine")).toBe(true);
    await expect(
      kitchen.schedule("no", { everyMs: 1000 }, "scenario.run", { name: "x" }),
    ).rejects.toMatchObject({
      code: "denied",
    });
    await kitchen.close();
  });

  test("the server rings while no daemon runs, and the hub publishes when it is back", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    await kitchen.schedule("soon", { inMs: 1500 }, "ui.notify", { text: "soon" });
    const thaw = mesh.freeze("alpha/hub");
    const service = await mesh.openService("alpha");
    const rung = async (): Promise<boolean> => {
      for await (const _ of storedMessages(service, "TIMERS_alpha", "tmr.alpha.kitchen.soon.rung"))
        return true;
      return false;
    };
    await until("its alarm rang", rung);
    expect(cameFrom("soon")).toEqual([]);
    thaw();
    await until("its event came", () => cameFrom("soon").length === 1);
    await until("it is gone", async () => (await timer("show", "alpha/kitchen/soon")).code === 64);
    await service.close();
    await kitchen.close();
  });

  test.each(["delete", "purge"] as const)("a stream of timers is written again after a %s", async (act) => {
    const kitchen = await mesh.connect("alpha/kitchen");
    await kitchen.schedule("kept", { everyMs: 3_600_000 }, "ui.notify", { text: "kept" });
    await mesh.asService("alpha", async (nc) => (await nc.jetstreamManager()).streams[act]("TIMERS_alpha"));
    const service = await mesh.openService("alpha");
    const isWritten = async (): Promise<boolean> => {
      try {
        for await (const _ of storedMessages(service, "TIMERS_alpha", "tmr.alpha.kitchen.*.def")) return true;
      } catch {
        // The stream is not there yet.
      }
      return false;
    };
    await until("it is written again", isWritten);
    const id = await kitchen.timers.trigger("kept");
    await until("it fires", () => cameFrom("kept").some(({ event_id }) => event_id === id));
    await kitchen.timers.remove("kept");
    await Promise.all([kitchen.close(), service.close()]);
  });

  test("a damaged timer keeps no other from firing", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    await kitchen.schedule("whole", { everyMs: 1000 }, "timer.tick@1");
    await mesh.asService("alpha", async (nc) => {
      for (const [name, body] of [
        ["no-json", "{"],
        ["null", "null"],
        [
          "no-zone",
          '{"v":1,"name":"no-zone","schedule":{"kind":"cron","cron":"* * * * *","zone":"Mars/Olympus"}}',
        ],
      ] as const)
        await nc.jetstream().publish(`tmr.alpha.kitchen.${name}.def`, body);
      await nc.jetstream().publish("tmr.alpha.kitchen.slow.state", "[]");
    });
    const before = mesh.pid("alpha/hub");
    process.kill(before, "SIGKILL");
    await until("the hub is back", () => mesh.isReplaced("alpha/hub", before));
    const count = cameFrom("whole").length;
    await until("it fires", () => cameFrom("whole").length > count + 1);
    expect((await timer("list", "--json")).stdout.split("\n")).toHaveLength(2);
    await kitchen.timers.remove("whole");
    await kitchen.close();
  });

  test(
    `${KILLS} kills of hub daemon and server around the times: each fire once (seed ${SEED})`,
    async () => {
      const random = randomFrom(SEED);
      const kitchen = await mesh.connect("alpha/kitchen");
      const names = ["one", "two", "three"];
      for (const name of names) await kitchen.schedule(name, { everyMs: 1000 }, "timer.tick@1");
      for (let kill = 0; kill < KILLS; kill++) {
        const what = random() < 0.5 ? "alpha/hub" : "nats-alpha";
        const before = mesh.pid(what);
        const count = cameFrom("one").length;
        await until("they fire", () => cameFrom("one").length > count + 1);
        // Shortly before, at, or after the next second of theirs.
        await new Promise((resolve) => setTimeout(resolve, random() * 1100));
        process.kill(before, "SIGKILL");
        await until(`${what} is back`, () => mesh.isReplaced(what, before));
      }
      const count = cameFrom("one").length;
      await until("they fire again", () => cameFrom("one").length > count + 1, 60_000);
      for (const name of names) await kitchen.timers.remove(name);
      for (const name of names) {
        const stored = await storedTimes(name);
        const first = stored[0] ?? Number.NaN;
        expect([name, stored]).toEqual([name, stored.map((_, i) => first + i * 1000)]);
        await until("all came", () => cameFrom(name).length === stored.length);
      }
      await kitchen.close();
    },
    120_000 + KILLS * 15_000,
  );

  /** The nominal times of a timer's events, as the subnet's stream holds them. */
  async function storedTimes(name: string): Promise<number[]> {
    const service = await mesh.openService("alpha");
    const times: number[] = [];
    for await (const { body } of storedMessages(service, "EVENTS_alpha", "evt.alpha.kitchen.timer.tick.v1")) {
      const { headers } = decodeEnvelope(body);
      if (headers["timer"] === name) times.push(Date.parse(headers["scheduled_at"] ?? ""));
    }
    await service.close();
    return times.sort((a, b) => a - b);
  }
});
