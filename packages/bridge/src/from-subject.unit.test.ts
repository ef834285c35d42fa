import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fromSubject } from "./from-subject.ts";
import type { BridgeRun } from "./into-mesh.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const EVENT = { specversion: "1.0", id: "1", source: "/shop", type: "ui.notify.v1", data: {} };

interface Started {
  readonly run: BridgeRun;
  readonly said: readonly string[];
  /** Comes from the server. */
  send(count: number): void;
}

async function start(publish: () => Promise<unknown>, drain: () => Promise<void>): Promise<Started> {
  const said: string[] = [];
  let callback: (error: null, msg: unknown) => void = () => undefined;
  const nc = {
    flush: async () => undefined,
    subscribe: (_: string, options: { callback: typeof callback }) => {
      callback = options.callback;
      return { drain };
    },
  };
  const options = { subject: "a.b", durable: "d", types: new Map(), refused: undefined };
  const run = await fromSubject({ publish } as never, { nc } as never, {
    ...options,
    say: (line) => said.push(line),
  });
  const data = new TextEncoder().encode(JSON.stringify(EVENT));
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) callback(null, { data });
  };
  return { run, said, send };
}

const never = (): Promise<never> => new Promise(() => undefined);
const FULL = new MeshError("backpressure", "the outbox is full");

describe("fromSubject()", () => {
  test("keeps no more than a thousand that wait, and tells the number of the others in one line", async () => {
    let published = 0;
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const { said, send, run } = await start(
      async () => {
        published++;
        await gate;
      },
      async () => undefined,
    );
    send(1);
    await vi.advanceTimersByTimeAsync(0);
    send(1300);
    await vi.advanceTimersByTimeAsync(5000);
    expect(said).toEqual([expect.stringMatching(/^lost: 300 of a\.b/)]);
    go();
    await run.stop();
    expect(published).toBe(1001);
    expect(said).toHaveLength(1);
  });

  test("finishes what waits when it is stopped", async () => {
    let published = 0;
    const { run, send, said } = await start(
      async () => published++,
      async () => undefined,
    );
    send(500);
    await run.stop();
    expect([published, said]).toEqual([500, []]);
  });

  test("stops in time though the mesh takes nothing and the server does not answer, and tells what is lost", async () => {
    const { run, send, said } = await start(async () => {
      throw FULL;
    }, never);
    send(50);
    let isStopped = false;
    void run.stop().then(() => (isStopped = true));
    await vi.advanceTimersByTimeAsync(6000);
    expect(isStopped).toBe(true);
    expect(said).toEqual([expect.stringMatching(/^lost: 49 of a\.b/), "lost: the outbox is full"]);
  });
});
