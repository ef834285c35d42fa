import { describe, expect, test } from "vitest";
import { FloodGuard } from "./flood-guard.ts";

const LIMITS = { messagesPerSecond: 1000, bytesPerSecond: 1_000_000 };

/** Sends these amounts, one a second, with a look after each; returns the members that are shut out at the end. */
function run(guard: FloodGuard, seconds: readonly [messages: number, bytes: number][], fromMs = 0): string[] {
  let traffic = { messages: 0, bytes: 0 };
  guard.look(new Map([["evil", traffic]]), fromMs);
  for (const [i, [messages, bytes]] of seconds.entries()) {
    traffic = { messages: traffic.messages + messages, bytes: traffic.bytes + bytes };
    guard.look(new Map([["evil", traffic]]), fromMs + (i + 1) * 1000);
  }
  return [...guard.banned(fromMs + seconds.length * 1000).keys()];
}

describe("FloodGuard", () => {
  test("shuts out who floods for two seconds, by messages or by bytes", () => {
    expect(run(new FloodGuard(LIMITS), [[1001, 0]])).toEqual([]);
    expect(
      run(new FloodGuard(LIMITS), [
        [1001, 0],
        [1001, 0],
      ]),
    ).toEqual(["evil"]);
    expect(
      run(new FloodGuard(LIMITS), [
        [1, 1_000_001],
        [1, 1_000_001],
      ]),
    ).toEqual(["evil"]);
  });

  test("takes nobody's pause for a flood: looks that were held up and come together are one", () => {
    const guard = new FloodGuard(LIMITS);
    const looks = [0, 3000, 3002, 3004, 4000].map((atMs, i) => [atMs, i * 100] as const);
    for (const [atMs, messages] of looks) guard.look(new Map([["calm", { messages, bytes: 0 }]]), atMs);
    expect(guard.banned(4000).size).toBe(0);
  });

  test("lets pass who keeps to the limits, and one burst", () => {
    const calm = Array.from({ length: 100 }, (): [number, number] => [1000, 1_000_000]);
    expect(run(new FloodGuard(LIMITS), calm)).toEqual([]);
    expect(
      run(new FloodGuard(LIMITS), [
        [50_000, 0],
        [10, 0],
        [50_000, 0],
      ]),
    ).toEqual([]);
  });

  test("lets in again after half a minute, and shuts out for twice as long the next time", () => {
    const guard = new FloodGuard(LIMITS);
    run(guard, [
      [2000, 0],
      [2000, 0],
    ]);
    expect(guard.banned(31_999).size).toBe(1);
    expect(guard.banned(32_000).size).toBe(0);
    run(
      guard,
      [
        [2000, 0],
        [2000, 0],
        [2000, 0],
      ],
      40_000,
    );
    expect(guard.banned(101_999).size).toBe(1);
    expect(guard.banned(102_000).size).toBe(0);
  });

  test("begins anew when the server counts from nothing again, and forgets who is gone", () => {
    const guard = new FloodGuard(LIMITS);
    guard.look(new Map([["evil", { messages: 1_000_000, bytes: 0 }]]), 0);
    guard.look(new Map([["evil", { messages: 10, bytes: 0 }]]), 1000);
    guard.look(new Map([["evil", { messages: 20, bytes: 0 }]]), 2000);
    expect(guard.banned(2000).size).toBe(0);
    guard.look(new Map(), 4_000_000);
    expect(guard.banned(4_000_000).size).toBe(0);
  });
});
