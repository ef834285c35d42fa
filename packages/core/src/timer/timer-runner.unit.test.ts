import { describe, expect, test } from "vitest";
import { MeshError } from "../language/errors.ts";
import type { Clock } from "../time/clock.ts";
import { resolveTimer, type TimerOptions } from "./timer.ts";
import { type TimerFire, timerEventId } from "./timer-event.ts";
import { type KeptTimer, TimerRunner } from "./timer-runner.ts";

const T0 = Date.UTC(2026, 0, 5, 9, 0, 0);
const OWNER = { subnet: "alpha", node: "kitchen" };
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A clock that stands until it is moved. */
class TestClock implements Clock {
  #nowMs = T0;
  readonly #calls = new Set<{ readonly ms: number; readonly call: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  at(ms: number, call: () => void): () => void {
    const entry = { ms, call };
    this.#calls.add(entry);
    return () => void this.#calls.delete(entry);
  }

  async to(ms: number): Promise<void> {
    for (;;) {
      const [first] = [...this.#calls].filter((one) => one.ms <= ms).sort((a, b) => a.ms - b.ms);
      if (first === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, first.ms);
      this.#calls.delete(first);
      first.call();
      await settle();
    }
    this.#nowMs = ms;
    await settle();
  }
}

/** Waits until pending promise callbacks have run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A store that outlives runners, and a stream that knows no event twice. */
class Scene {
  readonly clock = new TestClock();
  readonly kept = new Map<string, KeptTimer>();
  readonly published: { readonly id: string; readonly at: number; readonly kind: string }[] = [];
  /** Called before each write and publish. */
  onStep: () => void = () => undefined;

  run(): TimerRunner {
    const keep = async ({ timer, state }: KeptTimer): Promise<void> => {
      this.onStep();
      this.kept.set(timer.name, structuredClone({ timer, state }));
    };
    const runner = new TimerRunner({
      clock: this.clock,
      log: SILENT,
      publish: async (timer, fire: TimerFire) => {
        this.onStep();
        const id = timerEventId(timer, fire);
        if (this.published.some((one) => one.id === id)) return;
        this.published.push({ id, at: fire.nominalMs, kind: fire.kind });
      },
      isRunning: async () => false,
      keep,
      keepState: keep,
      forget: async ({ name }) => {
        this.onStep();
        this.kept.delete(name);
      },
    });
    runner.load([...this.kept.values()]);
    return runner;
  }
}

function wanted(name: string, options: TimerOptions, isDeclared = false) {
  const event = { name: "timer.tick", version: 1, kind: "event" as const };
  return { ...resolveTimer(name, options, event, undefined, T0), owner: OWNER, isDeclared };
}

describe("TimerRunner", () => {
  test("fires at the nominal times, and a successor goes on where it stood", async () => {
    const scene = new Scene();
    const first = scene.run();
    await first.put(wanted("t", { everyMs: 1000 }));
    await scene.clock.to(T0 + 3500);
    await first.stop();
    const second = scene.run();
    await scene.clock.to(T0 + 6500);
    await second.stop();
    expect(scene.published.map(({ at }) => at - T0)).toEqual([1000, 2000, 3000, 4000, 5000, 6000]);
    expect(scene.kept.get("t")?.state.fired).toBe(6);
  });

  test("killed at any step, each fire is published once", async () => {
    for (let killAt = 0; killAt < 40; killAt++) {
      const scene = new Scene();
      const killed = scene.run();
      await killed.put(wanted("t", { everyMs: 1000 }));
      let steps = 0;
      let isDead = false;
      scene.onStep = () => {
        isDead ||= steps++ === killAt;
        // No message of a killed process arrives.
        if (isDead) throw new MeshError("unavailable", "killed");
      };
      await scene.clock.to(T0 + 10_500);
      await killed.stop();
      scene.onStep = () => undefined;
      const successor = scene.run();
      await scene.clock.to(T0 + 20_500);
      await successor.stop();
      expect([killAt, scene.published.map(({ at }) => (at - T0) / 1000)]).toEqual([
        killAt,
        Array.from({ length: 20 }, (_, i) => i + 1),
      ]);
    }
  });

  test("knows the timer that it has last found more than a minute late, whether it fires or not", async () => {
    const scene = new Scene();
    const first = scene.run();
    await first.put(wanted("t", { everyMs: 3_600_000, catchUp: "none" }));
    await scene.clock.to(T0 + 3_600_000);
    expect(first.missed).toBeUndefined();
    await first.stop();
    await scene.clock.to(T0 + 2 * 3_600_000 + 61_000);
    const second = scene.run();
    await settle();
    expect(second.missed).toEqual({ timer: "kitchen/t", foundMs: T0 + 2 * 3_600_000 + 61_000 });
    await second.stop();
  });

  test("the same again disturbs nothing; a change begins anew", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { everyMs: 10_000 }));
    await scene.clock.to(T0 + 5000);
    await runner.put(wanted("t", { everyMs: 10_000 }));
    await scene.clock.to(T0 + 10_500);
    expect(scene.published.map(({ at }) => at - T0)).toEqual([10_000]);
    await runner.put(wanted("t", { everyMs: 20_000 }));
    await scene.clock.to(T0 + 31_000);
    expect(scene.published.map(({ at }) => at - T0)).toEqual([10_000, 30_500]);
    await runner.stop();
  });

  test("paused, resumed, triggered, removed", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { everyMs: 1000 }));
    await scene.clock.to(T0 + 1500);
    await runner.pause("kitchen", "t");
    await scene.clock.to(T0 + 5500);
    expect(scene.published).toHaveLength(1);
    expect((await runner.resume("kitchen", "t")).state.skipped.paused).toBe(4);
    await scene.clock.to(T0 + 6500);
    expect(scene.published.map(({ at }) => at - T0)).toEqual([1000, 6000]);
    const id = await runner.trigger("kitchen", "t");
    expect(scene.published.at(-1)).toEqual({ id, at: T0 + 6500, kind: "triggered" });
    expect(await runner.remove("kitchen", "t")).toBe(true);
    expect(await runner.remove("kitchen", "t")).toBe(false);
    await scene.clock.to(T0 + 20_000);
    expect([scene.published.length, scene.kept.size, runner.size]).toEqual([3, 0, 0]);
    await expect(runner.pause("kitchen", "t")).rejects.toThrow(/has no timer "t"/);
    await runner.stop();
  });

  test("one that is over goes, unless the mesh file has it", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("once", { inMs: 1000 }));
    await runner.put(wanted("declared", { at: new Date(T0 + 1000) }, true));
    await scene.clock.to(T0 + 2000);
    expect(scene.published).toHaveLength(2);
    expect([...scene.kept.keys()]).toEqual(["declared"]);
    // Put again it is the same, and does not fire again.
    await runner.put(wanted("declared", { at: new Date(T0 + 1000) }, true));
    await scene.clock.to(T0 + 4000);
    expect(scene.published).toHaveLength(2);
    await runner.stop();
  });

  test("a refused event is skipped and told; a stream that is away is tried again", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { everyMs: 10_000 }));
    let error: MeshError | undefined = new MeshError("denied", "no rule allows it");
    scene.onStep = () => {
      if (error !== undefined) throw error;
    };
    const keepsStates = scene.onStep;
    scene.onStep = () => {
      const isPublish = new Error().stack?.includes("publish") === true;
      if (isPublish) keepsStates();
    };
    await scene.clock.to(T0 + 10_500);
    expect(runner.get("kitchen", "t")?.state.skipped.refused).toBe(1);
    error = new MeshError("unavailable", "the server is away");
    await scene.clock.to(T0 + 24_000);
    expect(scene.published).toEqual([]);
    error = undefined;
    await scene.clock.to(T0 + 26_000);
    expect(scene.published.map(({ at, kind }) => [at - T0, kind])).toEqual([[20_000, "late"]]);
    await runner.stop();
  });

  test("a backfill fires each past time once, however often it is asked for", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { cron: "0 * * * *" }));
    const ask = () => runner.backfill("kitchen", "t", T0 - 5 * 3_600_000, T0 - 3_600_000, "b1");
    expect((await ask()).length).toBe(5);
    await ask();
    expect(scene.published.map(({ at }) => (at - T0) / 3_600_000)).toEqual([-5, -4, -3, -2, -1]);
    await expect(runner.backfill("kitchen", "t", 0, T0, "b2")).rejects.toThrow(/at most 1000 times/);
    await runner.stop();
  });

  test("what is asked at the same time is done in turn, also while the timer is replaced", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { everyMs: 10_000 }));
    const [changed, paused] = await Promise.all([
      runner.put(wanted("t", { everyMs: 20_000 })),
      runner.pause("kitchen", "t"),
    ]);
    expect(paused.timer).toBe(changed.timer);
    expect([runner.get("kitchen", "t")?.state.isPaused, scene.kept.get("t")?.state.isPaused]).toEqual([
      true,
      true,
    ]);
    const [, wasThere] = await Promise.all([
      runner.put(wanted("new", { everyMs: 10_000 })),
      runner.remove("kitchen", "new"),
    ]);
    expect([wasThere, scene.kept.has("new")]).toEqual([true, false]);
    await runner.stop();
  });

  test("two triggers within a millisecond are two events", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { everyMs: 10_000 }));
    const ids = await Promise.all([runner.trigger("kitchen", "t"), runner.trigger("kitchen", "t")]);
    expect(scene.published.map(({ id }) => id)).toEqual(ids);
    await runner.stop();
  });

  test("a pause skips nothing that its jitter puts off beyond it", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { cron: "0 12 * * *", jitterMs: 7_200_000 }));
    const noon = T0 + 3 * 3_600_000;
    await scene.clock.to(noon + 1000);
    await runner.pause("kitchen", "t");
    expect((await runner.resume("kitchen", "t")).state.skipped.paused).toBe(0);
    await scene.clock.to(noon + 7_200_000);
    expect(scene.published.map(({ at }) => at)).toEqual([noon]);
    await runner.stop();
  });

  test("a single time that passes on its way here fires; one that is long past is refused", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await scene.clock.to(T0 + 5000);
    await runner.put(wanted("short", { inMs: 10 }));
    await scene.clock.to(T0 + 5001);
    expect(scene.published.map(({ at, kind }) => [at - T0, kind])).toEqual([[10, "late"]]);
    await scene.clock.to(T0 + 120_000);
    await expect(runner.put(wanted("long", { inMs: 10 }))).rejects.toThrow(
      /the time of timer "long" is past/,
    );
    expect([runner.size, scene.kept.size]).toEqual([0, 0]);
    await runner.stop();
  });

  test("what is written again does not bring back what is removed meanwhile", async () => {
    const scene = new Scene();
    const runner = scene.run();
    for (const name of ["a", "b"]) await runner.put(wanted(name, { everyMs: 10_000 }));
    scene.kept.clear();
    await Promise.all([runner.keepAll(), runner.remove("kitchen", "b")]);
    expect([...scene.kept.keys()]).toEqual(["a"]);
    await runner.stop();
  });

  test("a backfill is of times that are past", async () => {
    const scene = new Scene();
    const runner = scene.run();
    await runner.put(wanted("t", { cron: "0 * * * *" }));
    await expect(runner.backfill("kitchen", "t", T0, T0 + 1, "b")).rejects.toThrow(/for times that are past/);
    await runner.stop();
  });
});

test("a pause of a timer whose times are years apart holds nobody up", async () => {
  const scene = new Scene();
  const runner = scene.run();
  await runner.put(wanted("t", { cron: "0 1 29 2 *", zone: "Europe/Berlin" }));
  const startMs = performance.now();
  await runner.pause("kitchen", "t");
  await runner.resume("kitchen", "t");
  expect(performance.now() - startMs).toBeLessThan(500);
  await runner.stop();
});

test("resolveTimer() refuses what no event can be named, and times that no clock shows", () => {
  const event = { name: "timer.*", version: 1, kind: "event" as const };
  expect(() => resolveTimer("t", { everyMs: 1000 }, event, undefined, T0)).toThrow(/"timer.\*"/);
  for (const at of ["2027-03-28T02:30+25:00", "9999-01-01T00:00"])
    expect(() => wanted("t", { at })).toThrow(/at must be from 1970 to 2199/);
});
