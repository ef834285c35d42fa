import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConsumerState } from "./consumer-state.ts";
import { OrderGate } from "./order-gate.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A gate at a durable with the number of unsettled messages that the test sets. */
class Scene {
  readonly seqs: number[] = [];
  readonly gate: OrderGate;
  looked = 0;
  /** None of them is settled. */
  taken = 0;

  constructor(unsettled: () => number) {
    const state = async (): Promise<ConsumerState> => ({
      created: "2026-01-01T00:00:00Z",
      delivered: { consumer_seq: 0, stream_seq: 0 },
      ack_floor: { stream_seq: 0 },
      num_ack_pending: unsettled(),
    });
    const held = (): number => this.taken;
    this.gate = new OrderGate({ state, held, limitMs: 7500, onLooked: () => this.looked++ });
  }

  take(...seqs: readonly number[]): void {
    this.taken += seqs.length;
    for (const seq of seqs) this.gate.take(seq, () => this.seqs.push(seq));
  }
}

describe("OrderGate", () => {
  test("hands over at once where nothing is unsettled", async () => {
    const scene = new Scene(() => 0);
    expect(scene.gate.hasLooked).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect([scene.gate.hasLooked, scene.looked]).toEqual([true, 1]);
    scene.take(5, 6);
    expect(scene.seqs).toEqual([5, 6]);
    await vi.advanceTimersByTimeAsync(300);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps back what comes before that which an ended process held, then sorts it in", async () => {
    const scene = new Scene(() => 5);
    await vi.advanceTimersByTimeAsync(1);
    scene.take(4, 5, 6);
    await vi.advanceTimersByTimeAsync(4000);
    expect(scene.seqs).toEqual([]);
    scene.take(3, 2);
    await vi.advanceTimersByTimeAsync(300);
    expect(scene.seqs).toEqual([2, 3, 4, 5, 6]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits for nobody for ever: another process that lives holds what it likes", async () => {
    const scene = new Scene(() => 100);
    scene.take(4);
    await vi.advanceTimersByTimeAsync(7400);
    expect(scene.seqs).toEqual([]);
    await vi.advanceTimersByTimeAsync(400);
    expect(scene.seqs).toEqual([4]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("hands over what it has when it is opened, in order", async () => {
    const scene = new Scene(() => 100);
    await vi.advanceTimersByTimeAsync(1);
    scene.take(9, 7);
    scene.gate.open();
    scene.gate.open();
    expect(scene.seqs).toEqual([7, 9]);
    await vi.advanceTimersByTimeAsync(10);
    expect(vi.getTimerCount()).toBe(0);
  });
});
