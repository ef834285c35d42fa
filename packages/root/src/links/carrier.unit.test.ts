import { MeshError } from "@adaos/core";
import type { OrderedMessage, Outgoing, WriteResult } from "@adaos/transport-nats";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CarriedEvent, Carrier } from "./carrier.ts";

const WRITE_MS = 10;

function event(id: string): CarriedEvent {
  return {
    message: { subject: "evt.alpha.kitchen.x.y.v1", id, headers: {}, body: new Uint8Array(1) },
    bytes: 200,
    pulled: {} as OrderedMessage,
    origin: "alpha",
    span: { headers: {}, end: () => undefined },
    mayBeStored: false,
  };
}

/** A carrier, and a target that answers writes as the test sets, and otherwise stores them. */
class Scene {
  readonly writes: string[][] = [];
  readonly waits: number[] = [];
  readonly unsure: string[] = [];
  readonly stored: string[] = [];
  readonly refused: string[] = [];
  readonly troubles: string[] = [];
  readonly answers: WriteResult[] = [];
  finally: WriteResult | undefined;
  closed = 0;
  readonly carrier = new Carrier({
    target: {
      sizeFor: (waiting) => Math.min(waiting, 3),
      write: (batch, waitMs) => {
        this.waits.push(waitMs);
        return this.#write(batch);
      },
      close: () => this.closed++,
    },
    onStored: ({ message }) => this.stored.push(message.id),
    onRefused: ({ message }) => this.refused.push(message.id),
    onTrouble: ({ code }) => this.troubles.push(code),
  });

  add(...ids: readonly string[]): void {
    for (const id of ids) this.carrier.add(event(id));
  }

  async #write(batch: readonly Outgoing[]): Promise<WriteResult> {
    this.writes.push(batch.map(({ message }) => message.id));
    for (const { message, mayBeStored } of batch) if (mayBeStored) this.unsure.push(message.id);
    await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
    return this.answers.shift() ?? this.finally ?? { stored: batch.length };
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const failed = (code: "unavailable" | "timeout" | "too-large", stored = 0): WriteResult => ({
  stored,
  error: new MeshError(code, `it is ${code}`),
});

describe("Carrier", () => {
  test("writes together what the same turn adds, and then whatever has come during a write", async () => {
    const scene = new Scene();
    scene.add("1", "2");
    await vi.advanceTimersByTimeAsync(WRITE_MS / 2);
    scene.add("3", "4", "5", "6");
    await vi.advanceTimersByTimeAsync(100);
    expect(scene.writes).toEqual([["1", "2"], ["3", "4", "5"], ["6"]]);
    expect(scene.stored).toEqual(["1", "2", "3", "4", "5", "6"]);
  });

  test("tries what was not stored again, alone and first, and tells nobody of one failure", async () => {
    const scene = new Scene();
    scene.answers.push(failed("unavailable", 1));
    scene.add("1", "2", "3");
    await vi.advanceTimersByTimeAsync(1000);
    expect(scene.writes).toEqual([["1", "2", "3"], ["2"], ["3"]]);
    expect([scene.stored, scene.troubles, scene.unsure]).toEqual([["1", "2", "3"], [], []]);
  });

  test("remembers that a write without an answer may have stored what it held", async () => {
    const scene = new Scene();
    scene.answers.push(failed("timeout"));
    scene.add("1", "2");
    await vi.advanceTimersByTimeAsync(1000);
    expect(scene.unsure).toEqual(["1", "2"]);
  });

  test("tells of a trouble once while it lasts, tries every two seconds, and ends no event", async () => {
    const scene = new Scene();
    scene.finally = failed("unavailable");
    scene.add("1", "2");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([scene.troubles, scene.carrier.trouble]).toEqual([["unavailable"], "it is unavailable"]);
    expect(scene.writes.length).toBeGreaterThan(25);
    expect(scene.writes.length).toBeLessThan(40);
    scene.finally = undefined;
    await vi.advanceTimersByTimeAsync(3000);
    expect([scene.stored, scene.carrier.trouble]).toEqual([["1", "2"], undefined]);
  });

  test("writes less at a time, and waits longer, when answers do not come", async () => {
    const scene = new Scene();
    const waits = scene.waits;
    scene.answers.push(failed("timeout"), failed("timeout"));
    scene.add("1");
    await vi.advanceTimersByTimeAsync(5000);
    expect(waits).toEqual([2500, 5000, 10_000]);
    scene.add("2");
    await vi.advanceTimersByTimeAsync(100);
    expect(waits.at(-1)).toBe(2500);
  });

  test("passes over an event that the target never takes, and no other", async () => {
    const scene = new Scene();
    scene.answers.push(failed("too-large", 1));
    scene.add("1", "2", "3");
    await vi.advanceTimersByTimeAsync(100);
    expect([scene.stored, scene.refused]).toEqual([["1", "3"], ["2"]]);
  });

  test("forgets what is withdrawn, on its way or not, and carries what comes after", async () => {
    const scene = new Scene();
    scene.add("1", "2", "3", "4");
    await vi.advanceTimersByTimeAsync(WRITE_MS / 2);
    expect(scene.carrier.withdraw()).toHaveLength(4);
    scene.add("5");
    await vi.advanceTimersByTimeAsync(100);
    expect([scene.writes, scene.stored]).toEqual([[["1", "2", "3"], ["5"]], ["5"]]);
  });

  test("stores what waits before it stops, unless the target takes nothing", async () => {
    const scene = new Scene();
    scene.add("1", "2", "3", "4");
    const stopping = scene.carrier.stop(1000);
    await vi.advanceTimersByTimeAsync(100);
    await stopping;
    expect([scene.stored.length, scene.closed]).toEqual([4, 1]);
    const stuck = new Scene();
    stuck.finally = failed("unavailable");
    stuck.add("1");
    await vi.advanceTimersByTimeAsync(500);
    await Promise.all([stuck.carrier.stop(60_000), vi.advanceTimersByTimeAsync(50)]);
    expect(stuck.stored).toEqual([]);
  });
});
