import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn } from "../../../../test/kit/connection-stand-in.ts";
import { Suspensions } from "./suspensions.ts";

const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";
const SUSPENDED = { root: "evt", reason: "alpha/kitchen holds too much", retryAfterMs: 5000 };

let connection: ConnectionStandIn;
let asked: string[];
let answer: () => unknown;
beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answer = () => ({ suspended: [] });
  connection = new ConnectionStandIn();
  connection.server = {
    onMessage: () => undefined,
    onRequest: (subject) => {
      asked.push(subject);
      return answer();
    },
  };
});
afterEach(() => {
  vi.useRealTimers();
});

const denied = (): Promise<never> => Promise.reject(new MeshError("denied", "the server refused it"));

async function codeOf(guarded: Promise<unknown>): Promise<string> {
  const told = guarded.then(
    () => "stored",
    (thrown: unknown) => (thrown instanceof MeshError ? `${thrown.code}: ${thrown.message}` : String(thrown)),
  );
  await vi.advanceTimersByTimeAsync(10);
  return told;
}

describe("Suspensions", () => {
  test("asks nobody as long as nothing is refused, and passes other failures on", async () => {
    const suspensions = new Suspensions(connection, "kitchen");
    expect(await codeOf(suspensions.guard(SUBJECT, async () => 1))).toBe("stored");
    const full = (): Promise<never> => Promise.reject(new MeshError("backpressure", "full"));
    expect(await codeOf(suspensions.guard(SUBJECT, full))).toBe("backpressure: full");
    expect(asked).toEqual([]);
  });

  test("tells what the hub has suspended, asks once for many, and sends nothing more for a moment", async () => {
    const suspensions = new Suspensions(connection, "kitchen");
    answer = () => ({ suspended: [SUSPENDED] });
    const told = "backpressure: alpha/kitchen holds too much; try again in 5000 ms";
    const many = await Promise.all(
      Array.from({ length: 20 }, () => codeOf(suspensions.guard(SUBJECT, denied))),
    );
    expect(new Set(many)).toEqual(new Set([told]));
    expect(asked).toEqual(["svc.hub.kitchen.budget"]);
    const publish = vi.fn(async () => 1);
    expect(await codeOf(suspensions.guard(SUBJECT, publish))).toBe(told);
    expect(publish).not.toHaveBeenCalled();
    expect(await codeOf(suspensions.guard("dlq.alpha.kitchen.a.b", publish))).toBe("stored");
    await vi.advanceTimersByTimeAsync(1000);
    expect(await codeOf(suspensions.guard(SUBJECT, publish))).toBe("stored");
  });

  test("leaves a refusal that is for good, and does not call one so that nobody explains", async () => {
    const suspensions = new Suspensions(connection, "kitchen");
    expect(await codeOf(suspensions.guard(SUBJECT, denied))).toBe("denied: the server refused it");
    answer = () => {
      throw new Error("TIMEOUT");
    };
    expect(await codeOf(suspensions.guard(SUBJECT, denied))).toMatch(/^unavailable: /);
  });

  test("takes a refusal just after a suspension for one of its last", async () => {
    const suspensions = new Suspensions(connection, "kitchen");
    answer = () => ({ suspended: [SUSPENDED] });
    await codeOf(suspensions.guard(SUBJECT, denied));
    await vi.advanceTimersByTimeAsync(1500);
    answer = () => ({ suspended: [] });
    expect(await codeOf(suspensions.guard(SUBJECT, denied))).toMatch(/^backpressure/);
  });
});
