import type { Message } from "@adaos/core";
import { DURABLE_METADATA, newTimerState, resolveTimer, type Timer, type TimerState } from "@adaos/core/wire";
import { expect, test } from "vitest";
import { TimerEvents, type TimerEventsOptions } from "./timer-events.ts";

const T0 = Date.UTC(2026, 0, 5, 9);

function timerNamed(name: string): Timer {
  const event = { name: "timer.tick", version: 1, kind: "event" as const };
  const definition = resolveTimer(name, { everyMs: 1000, overlap: "skip" }, event, undefined, T0);
  return { ...definition, owner: { subnet: "alpha", node: "kitchen" }, sinceMs: T0, isDeclared: false };
}

test("a thousand timers that ask whether their events are settled cost the server one look", async () => {
  const server = { looks: 0, pending: 1 };
  const published: string[] = [];
  const filter_subjects = ["evt.alpha.*.timer.tick.v1"];
  const config = { metadata: { [DURABLE_METADATA.answers]: "true" }, filter_subjects };
  const consumers = {
    async *list() {
      server.looks++;
      yield { config, ack_floor: { stream_seq: 0 }, num_pending: server.pending, num_ack_pending: 0 };
    },
  };
  const events = new TimerEvents({
    subnet: "alpha",
    tenant: "default",
    policy: { decide: () => ({ allowed: true }) },
    jsm: { consumers },
    publisher: { publish: async ({ id }: Message) => ({ seq: published.push(id) }) },
    limits: { take: async () => undefined },
  } as unknown as TimerEventsOptions);
  const fire = async (timer: Timer, nominalMs: number): Promise<TimerState> => {
    await events.publish(timer, { nominalMs, kind: "on-time" }, false);
    return { ...newTimerState(T0), last: { nominalMs, eventId: published.at(-1) ?? "" } };
  };
  const timers = Array.from({ length: 1000 }, (_, i) => timerNamed(`t${i}`));
  const states = new Map<Timer, TimerState>();
  for (const timer of timers) states.set(timer, await fire(timer, T0));
  const running = await Promise.all([...states].map((one) => events.isRunning(...one)));
  expect([new Set(running), server.looks]).toEqual([new Set([true]), 1]);
  // A look does not see an event that is published after it.
  server.pending = 0;
  const late = timerNamed("late");
  expect(await events.isRunning(late, await fire(late, T0 + 5000))).toBe(false);
  expect(server.looks).toBe(2);
});
