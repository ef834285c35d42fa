import { describe, expect, test } from "vitest";
import { NOTHING_TOLD, planNotification } from "./notification.ts";

const READY = { ready: true, parts: { links: { ready: true } } };
const WAITING = { ready: false, parts: { links: { ready: false, reason: "the server is away" } } };
const STUCK = { ...WAITING, stuck: { links: "has got nowhere for 121 s" } };
const TOLD = { ready: true, status: "ready" };

describe("planNotification()", () => {
  test("says once that the node is ready", () => {
    const first = planNotification(READY, NOTHING_TOLD, undefined);
    expect(first).toEqual({ lines: ["READY=1", "STATUS=ready"], told: TOLD });
    expect(planNotification(READY, first.told, undefined).lines).toEqual([]);
  });

  test("does not say that it is ready while a part is not", () => {
    expect(planNotification(WAITING, NOTHING_TOLD, undefined).lines).toEqual([
      "STATUS=not ready: links: the server is away",
    ]);
  });

  test("extends the time for the start while a part waits", () => {
    const { lines } = planNotification(WAITING, NOTHING_TOLD, 10_000);
    expect(lines).toContain("EXTEND_TIMEOUT_USEC=30000000");
    expect(lines).not.toContain("WATCHDOG=1");
  });

  test("beats once it was ready, also while a part waits again", () => {
    expect(planNotification(WAITING, TOLD, 10_000).lines).toContain("WATCHDOG=1");
    expect(planNotification(READY, TOLD, 10_000).lines).toEqual(["WATCHDOG=1"]);
  });

  test("does not beat between two beats", () => {
    expect(planNotification(READY, TOLD, undefined).lines).toEqual([]);
  });

  test.each([
    ["ready before", TOLD],
    ["never ready", NOTHING_TOLD],
  ])("neither beats nor extends while a part is stuck, and names it: %s", (_, told) => {
    expect(planNotification(STUCK, told, 10_000).lines).toEqual([
      "STATUS=stuck: links has got nowhere for 121 s",
    ]);
  });

  test("keeps a reason with line ends from beginning another assignment", () => {
    const parts = { links: { ready: false, reason: "no\nREADY=1\r\n\u0000WATCHDOG=1" } };
    const { lines } = planNotification({ ready: false, parts }, NOTHING_TOLD, undefined);
    expect(lines).toEqual(["STATUS=not ready: links: no READY=1 WATCHDOG=1"]);
  });

  test("shortens a long status", () => {
    const parts = { links: { ready: false, reason: "x".repeat(5000) } };
    const { lines } = planNotification({ ready: false, parts }, NOTHING_TOLD, undefined);
    expect(lines.join("")).toHaveLength("STATUS=".length + 200);
  });
});
