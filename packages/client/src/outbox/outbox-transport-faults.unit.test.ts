import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MeshError, MeshErrorCode, Message } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FaultyHub, type HubAnswer } from "../../../../test/kit/faulty-hub.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { Outbox } from "./outbox.ts";
import { OutboxTransport } from "./outbox-transport.ts";
import { RefusedLog } from "./refused-log.ts";

const MAX_EVENTS = 60;

let dir: string;
let hub: FaultyHub;
const opened: OutboxTransport[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-outbox-"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
  rmSync(dir, { recursive: true });
});

async function open(): Promise<OutboxTransport> {
  const log = new RecordingLog();
  const outbox = new Outbox(dir, { maxBytes: 10_000_000, maxEvents: MAX_EVENTS }, log);
  await outbox.adopt();
  const { transport, writeBytes } = hub;
  const opening = new OutboxTransport({
    hub: Promise.resolve({ transport, connection: hub, writeBytes }),
    outbox,
    refusedLog: new RefusedLog(join(dir, "refused.ndjson")),
    log,
    retryMs: 2,
    drainMs: 1000,
    patienceMs: 4,
    batchMessages: 3,
  });
  // The hub becomes known one turn later.
  await delay(0);
  opened.push(opening);
  return opening;
}

function messageNo(n: number): Message {
  return { subject: "evt.alpha.kitchen.ui.notify.v1", id: `id-${n}`, headers: {}, body: Buffer.from("tea") };
}

async function drained(transport: OutboxTransport): Promise<void> {
  for (let waitedMs = 0; transport.outbox.waiting > 0; waitedMs++) {
    if (waitedMs > 10_000) throw new Error(`${transport.outbox.waiting} still wait`);
    await delay(1);
  }
}

describe("OutboxTransport, whatever happens", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("publish" as const), count: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("disconnect" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reconnect" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("freeze" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("thaw" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(6) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("answers" as const),
        answers: fc.array(
          fc.constantFrom<HubAnswer>("stored", "lost answer", "not stored", "backpressure", "internal"),
          { maxLength: 5 },
        ),
      }),
    },
  );

  test("all that was accepted arrives once, and in the order of the calls", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
        fc.integer({ min: 1, max: 12 }),
        async (steps, tries) => {
          hub = new FaultyHub();
          hub.maxAttempts = tries;
          let transport = await open();
          let next = 0;
          const accepted = new Set<string>();
          const refused = new Map<string, MeshErrorCode>();
          const publishing: Promise<unknown>[] = [];
          for (const now of steps) {
            if (now.kind === "publish") {
              for (let i = 0; i < now.count; i++) {
                const message = messageNo(next++);
                publishing.push(
                  transport.publish(message).then(
                    () => accepted.add(message.id),
                    (error: MeshError) => refused.set(message.id, error.code),
                  ),
                );
              }
            } else if (now.kind === "wait") await delay(now.ms);
            else if (now.kind === "disconnect") hub.disconnect();
            else if (now.kind === "reconnect") hub.reconnect();
            else if (now.kind === "freeze") hub.isFrozen = true;
            else if (now.kind === "thaw") hub.isFrozen = false;
            else if (now.kind === "answers") hub.answers = [...now.answers];
            else {
              hub.isFrozen = false;
              await transport.close();
              transport = await open();
            }
          }
          hub.isFrozen = false;
          hub.answers = [];
          hub.reconnect();
          await Promise.all(publishing);
          await drained(transport);
          await transport.close();
          expect(accepted.size + refused.size).toBe(next);
          // No publish is refused because the hub is away. A missing answer from the hub is reported only when the
          // outbox was full.
          const honest = ["backpressure", "internal", ...(next > MAX_EVENTS ? ["timeout"] : [])];
          expect([...refused.values()].filter((code) => !honest.includes(code))).toEqual([]);
          expect(new Set(hub.stored).size).toBe(hub.stored.length);
          expect(hub.stored.filter((id) => accepted.has(id))).toEqual([...accepted].sort(byNumber));
        },
      ),
      { numRuns: 300 },
    );
  });
});

function byNumber(a: string, b: string): number {
  return Number(a.slice(3)) - Number(b.slice(3));
}
