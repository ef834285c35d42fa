import { type Delivery, decodeEnvelope, type Envelope, type TimerInfo, type Transport } from "@adaos/core";
import { resolveTimer, type TimerOptions } from "@adaos/core/wire";
import { describe, expect } from "vitest";
import type { TransportHarness } from "../harness.ts";
import { hold, type Received, until } from "../received.ts";
import type { Scene } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";

/** Timers of a node: kept and fired by the transport's store, under the node's own name. */
export function describeTimers(harness: TransportHarness): void {
  describe.concurrent("timers", () => {
    describeFires(harness, testsOf(harness));
    describeChanges(harness, testsOf(harness));
  });
}

function put(
  scene: Scene,
  transport: Transport,
  options: TimerOptions,
  data: unknown = { no: 0 },
): Promise<TimerInfo> {
  const event = { name: `${scene.topic}told`, version: 1, kind: "event" as const };
  return transport.timers.put(resolveTimer(scene.durable("t"), options, event, data, Date.now()));
}

function waitOf({ limitMs }: TransportHarness): (what: string, isSo: () => boolean) => Promise<void> {
  return (what, isSo) => until(isSo, limitMs, () => `not so: ${what}`);
}

function describeFires(harness: TransportHarness, check: Check): void {
  const wait = waitOf(harness);

  check("fires at its times as an event of its node, with ids of timer and time", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const startMs = Date.now();
    const timer = await put(scene, from, { everyMs: 1000, times: 2 });
    const { subnet, node } = harness.publishers[0];
    expect(timer).toMatchObject({ name: scene.durable("t"), node: `${subnet}/${node}`, state: "active" });
    await wait("it fired twice", () => received.deliveries.length === 2);
    const events = envelopes(received);
    expect(events.map(({ data }) => data)).toEqual([{ no: 0 }, { no: 0 }]);
    for (const [i, { headers, source, event_id, correlation_id }] of events.entries()) {
      expect(headers).toMatchObject({ timer: scene.durable("t"), timer_fire: "on-time" });
      const nominalMs = Date.parse(headers["scheduled_at"] ?? "");
      expect(nominalMs - startMs).toBeGreaterThanOrEqual((i + 1) * 1000);
      expect([source, correlation_id]).toEqual([`timer@${node}`, event_id]);
    }
    expect(new Set(received.ids).size).toBe(2);
    const isThere = async () => (await from.timers.list()).some(({ name }) => name === scene.durable("t"));
    while (await isThere()) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  check("without data it brings its name and the time", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    await put(scene, from, { inMs: 100 }, null);
    await wait("it fired", () => received.deliveries.length === 1);
    const [event] = envelopes(received);
    expect(event?.data).toEqual({
      timer: scene.durable("t"),
      scheduled_at: event?.headers["scheduled_at"],
    });
  });

  check("skip leaves out what comes while the event before is unsettled", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to, { pattern: `${scene.topic}told`, answers: true }, hold);
    const name = scene.durable("t");
    await put(scene, from, { everyMs: 1000, overlap: "skip" });
    const mine = async () => (await from.timers.list()).find((timer) => timer.name === name);
    await wait("it fired", () => received.deliveries.length === 1);
    while (((await mine())?.skipped.overlap ?? 0) === 0)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(received.deliveries.length).toBe(1);
    received.deliveries[0]?.settle({ kind: "ack" });
    await wait("it fires again", () => received.deliveries.length === 2);
    await from.timers.remove(name);
  });
}

function describeChanges(harness: TransportHarness, check: Check): void {
  const wait = waitOf(harness);

  check("the same again disturbs nothing, another takes its place, and it can be removed", async (scene) => {
    const [from] = await scene.openBoth();
    const first = await put(scene, from, { everyMs: 3_600_000 });
    expect((await put(scene, from, { everyMs: 3_600_000 })).next).toBe(first.next);
    const changed = await put(scene, from, { cron: "0 0 1 1 *" });
    expect(changed).toMatchObject({ cron: "0 0 1 1 *", zone: "UTC", fired: 0 });
    expect(await from.timers.remove(scene.durable("t"))).toBe(true);
    expect(await from.timers.remove(scene.durable("t"))).toBe(false);
  });

  check("paused it fires nothing, resumed it goes on, triggered it fires at once", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    await put(scene, from, { everyMs: 1000 });
    expect((await from.timers.pause(scene.durable("t"))).state).toBe("paused");
    const id = await from.timers.trigger(scene.durable("t"));
    await wait("the trigger came", () => received.ids.includes(id));
    expect(envelopes(received)[0]?.headers["timer_fire"]).toBe("triggered");
    expect((await from.timers.resume(scene.durable("t"))).state).toBe("active");
    await wait("it fires again", () => received.deliveries.length > 1);
    await from.timers.remove(scene.durable("t"));
  });

  check("each node has its own timers, by the same names", async (scene) => {
    const [from, other] = [await scene.open(harness.publishers[0]), await scene.open(harness.publishers[1])];
    await put(scene, from, { everyMs: 3_600_000 });
    await put(scene, other, { everyMs: 7_200_000 });
    const names = async (transport: Transport) =>
      (await transport.timers.list())
        .filter(({ name }) => name === scene.durable("t"))
        .map(({ every_ms }) => every_ms);
    expect([await names(from), await names(other)]).toEqual([[3_600_000], [7_200_000]]);
    expect(await from.timers.remove(scene.durable("t"))).toBe(true);
    expect(await names(other)).toEqual([7_200_000]);
    await other.timers.remove(scene.durable("t"));
  });

  check("refuses a timer that nobody has, and one that cannot be", async (scene) => {
    const [from] = await scene.openBoth();
    await expect(from.timers.pause("none")).rejects.toMatchObject({ code: "usage" });
    await expect(from.timers.trigger("none")).rejects.toMatchObject({ code: "usage" });
    const good = resolveTimer(
      "t",
      { everyMs: 1000 },
      { name: `${scene.topic}told`, version: 1, kind: "event" },
      {},
      0,
    );
    for (const bad of [
      { schedule: { kind: "every", everyMs: 1 } },
      { schedule: { kind: "cron", cron: "0 0 30 2 *", zone: "UTC" } },
      { schedule: { kind: "cron", cron: "* * * * *", zone: "Nowhere/Land" } },
      { name: "a.b" },
      { times: 0 },
    ] as const)
      await expect(from.timers.put({ ...good, ...bad })).rejects.toMatchObject({ code: "usage" });
  });
}

function envelopes({ deliveries }: Received): Envelope[] {
  return deliveries.map(({ message }: Delivery) => decodeEnvelope(message.body));
}
