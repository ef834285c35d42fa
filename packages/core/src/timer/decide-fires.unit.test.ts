import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { afterStep, decideFires, jitterOf } from "./decide-fires.ts";
import { newTimerState, resolveTimer, type Timer, type TimerOptions, type TimerState } from "./timer.ts";

const T0 = Date.UTC(2026, 0, 5, 9, 0, 0);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function timer(options: TimerOptions, name = "t"): Timer {
  const event = { name: "timer.tick", version: 1, kind: "event" as const };
  return {
    ...resolveTimer(name, options, event, undefined, T0),
    owner: { subnet: "alpha", node: "kitchen" },
    sinceMs: T0,
    isDeclared: false,
  };
}

/** The fires that a look at `nowMs` publishes, and the state after it. */
function look(of: Timer, state: TimerState, nowMs: number, isRunning = false) {
  const { steps, wakeAtMs } = decideFires(of, state, nowMs, isRunning);
  const fires = steps.flatMap((step) =>
    step.kind === "fire" ? [{ at: step.nominalMs, kind: step.fire }] : [],
  );
  const after = steps.reduce((before, step) => afterStep(before, step, "EVT-x"), state);
  return { fires, after, wakeAtMs };
}

const at = (minutes: number, kind: string) => ({ at: T0 + minutes * MINUTE, kind });

describe("an hour of downtime", () => {
  // Every five minutes; the last look was at 09:00, the next is 20 seconds before 10:05.
  const now = T0 + 65 * MINUTE - 20_000;
  const missed = (catchUp: NonNullable<TimerOptions["catchUp"]>, withinMs?: number) => {
    const options = { cron: "*/5 * * * *", catchUp, ...(withinMs === undefined ? {} : { withinMs }) };
    return look(timer(options), newTimerState(T0), now);
  };

  test("none: nothing of it is published", () => {
    const { fires, after, wakeAtMs } = missed("none");
    expect([fires, after.skipped.missed, wakeAtMs]).toEqual([[], 12, T0 + 65 * MINUTE]);
  });

  test("once: the last one", () => {
    const { fires, after } = missed("once");
    expect([fires, after.skipped.missed, after.caughtUp]).toEqual([[at(60, "caught-up")], 11, 1]);
  });

  test("all: each, in order", () => {
    const { fires, after } = missed("all");
    expect(fires).toEqual(Array.from({ length: 12 }, (_, i) => at((i + 1) * 5, "caught-up")));
    expect([after.skipped.missed, after.caughtUp, after.decidedMs]).toEqual([0, 12, T0 + HOUR]);
  });

  test("what is older than `within` is not published, whatever is caught up", () => {
    const { fires, after } = missed("all", 30 * MINUTE);
    expect(fires.map((fire) => fire.at)).toEqual(
      [35, 40, 45, 50, 55, 60].map((minutes) => T0 + minutes * MINUTE),
    );
    expect(after.skipped.missed).toBe(6);
    expect(missed("once", 4 * MINUTE).fires).toEqual([]);
  });

  test("once, of more than one look can decide: the last one of all, or the late one", () => {
    // Every second: four looks, of which the last one has the late ones.
    const every = timer({ everyMs: 1000 });
    let state = newTimerState(T0);
    for (let wakeAtMs = 0; wakeAtMs <= T0 + 3500_000; ) {
      const { after, wakeAtMs: next } = look(every, state, T0 + 3500_000);
      [state, wakeAtMs] = [after, next ?? Number.POSITIVE_INFINITY];
    }
    expect([state.caughtUp, state.fired, state.skipped.missed]).toEqual([0, 61, 3439]);
  });

  test("one that is a moment late stands for the missed ones", () => {
    const { fires, after } = look(timer({ cron: "*/5 * * * *" }), newTimerState(T0), T0 + HOUR + 20_000);
    expect([fires, after.late, after.skipped.missed]).toEqual([[at(60, "late")], 1, 11]);
  });
});

test("half a minute of downtime loses nothing, whatever is caught up", () => {
  for (const catchUp of ["none", "once", "all"] as const) {
    const { fires } = look(timer({ everyMs: 5000, catchUp }), newTimerState(T0), T0 + 30_000);
    expect(fires.map((fire) => fire.at)).toEqual(
      [5, 10, 15, 20, 25, 30].map((seconds) => T0 + seconds * 1000),
    );
  }
});

test("years of seconds are not gone through one by one", () => {
  const startMs = performance.now();
  const { fires, after, wakeAtMs } = look(
    timer({ everyMs: 1000 }),
    newTimerState(T0),
    T0 + 3 * 366 * 24 * HOUR,
  );
  expect(performance.now() - startMs).toBeLessThan(5000);
  // One of a later look stands for them.
  expect(fires).toEqual([]);
  expect(after.skipped.missed).toBeGreaterThanOrEqual(10_000);
  // The rest is left to the next look.
  expect(wakeAtMs).toBeLessThanOrEqual(T0 + 3 * 366 * 24 * HOUR + 1000);
});

describe("overlap", () => {
  test("skip: a fire is left out while the event before is unsettled", () => {
    const of = timer({ everyMs: MINUTE, overlap: "skip" });
    const { fires, after } = look(of, newTimerState(T0), T0 + MINUTE, true);
    expect([fires, after.skipped.overlap]).toEqual([[], 1]);
    expect(look(of, after, T0 + 2 * MINUTE, false).fires).toEqual([at(2, "on-time")]);
  });

  test("buffer-one: one waits, further ones are left out", () => {
    const of = timer({ everyMs: MINUTE, overlap: "buffer-one" });
    const first = look(of, newTimerState(T0), T0 + MINUTE, true);
    expect([first.fires, first.after.bufferedMs]).toEqual([[], T0 + MINUTE]);
    const second = look(of, first.after, T0 + 2 * MINUTE, true);
    expect([second.fires, second.after.skipped.overlap, second.after.bufferedMs]).toEqual([
      [],
      1,
      T0 + MINUTE,
    ]);
    const third = look(of, second.after, T0 + 2 * MINUTE + 10, false);
    expect(third.fires).toEqual([at(1, "caught-up")]);
    expect([third.after.bufferedMs, third.after.decidedMs]).toEqual([undefined, T0 + 2 * MINUTE]);
  });

  test("allow: nobody asks", () => {
    expect(look(timer({ everyMs: MINUTE }), newTimerState(T0), T0 + MINUTE, true).fires).toHaveLength(1);
  });
});

test("no more fires than `times`, none after `until`", () => {
  const thrice = timer({ everyMs: 1000, times: 3 });
  const { fires, after, wakeAtMs } = look(thrice, newTimerState(T0), T0 + 10_000);
  expect([fires.length, wakeAtMs]).toEqual([3, undefined]);
  expect(look(thrice, after, T0 + HOUR).fires).toEqual([]);
  const until = timer({ everyMs: 1000, until: new Date(T0 + 2500) });
  const ended = look(until, newTimerState(T0), T0 + 10_000);
  expect([ended.fires.length, ended.wakeAtMs]).toEqual([2, undefined]);
});

test("a paused timer fires nothing and is not woken", () => {
  const paused = { ...newTimerState(T0), isPaused: true };
  expect(look(timer({ everyMs: 1000 }), paused, T0 + HOUR)).toMatchObject({ fires: [], wakeAtMs: undefined });
});

test("jitter moves all fires of a timer by the same time, and names to different ones", () => {
  const of = timer({ everyMs: MINUTE, jitterMs: 30_000 });
  const moved = jitterOf(of);
  expect(moved).toBe(jitterOf(of));
  expect(moved).toBeGreaterThanOrEqual(0);
  expect(moved).toBeLessThanOrEqual(30_000);
  expect(look(of, newTimerState(T0), T0 + MINUTE + moved - 1).fires).toEqual([]);
  expect(look(of, newTimerState(T0), T0 + MINUTE + moved).fires).toEqual([at(1, "on-time")]);
  const others = new Set(
    Array.from({ length: 50 }, (_, i) => jitterOf(timer({ everyMs: MINUTE, jitterMs: 30_000 }, `t${i}`))),
  );
  expect(others.size).toBeGreaterThan(40);
});

test("however looks fall, each nominal time is decided once and none twice", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("none", "once", "all" as const),
      fc.constantFrom("allow", "skip", "buffer-one" as const),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 20 * MINUTE }), fc.boolean()), {
        minLength: 1,
        maxLength: 30,
      }),
      (catchUp, overlap, looks) => {
        const of = timer({ everyMs: 7000, catchUp: catchUp as "all", overlap });
        let state = newTimerState(T0);
        let nowMs = T0;
        const seen = new Set<number>();
        for (const [waitMs, isRunning] of looks) {
          nowMs += waitMs;
          const { fires, after } = look(of, state, nowMs, isRunning);
          for (const fire of fires) {
            expect(seen.has(fire.at)).toBe(false);
            expect(fire.at).toBeLessThanOrEqual(nowMs);
            seen.add(fire.at);
          }
          state = after;
          const decided =
            state.fired +
            state.skipped.missed +
            state.skipped.overlap +
            (state.bufferedMs === undefined ? 0 : 1);
          expect(decided).toBe(Math.floor((nowMs - T0) / 7000));
        }
      },
    ),
  );
});
