import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError, type Message, parseEventPattern } from "@adaos/core";
import { delay, MAX_EVENT_BYTES, messageBytes } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FaultyHub } from "../../../../test/kit/faulty-hub.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { Outbox } from "./outbox.ts";
import { OutboxTransport } from "./outbox-transport.ts";
import type { Hub } from "./outbox-transport-options.ts";
import { RefusedLog } from "./refused-log.ts";

let dir: string;
let log: RecordingLog;
let hub: FaultyHub;
const opened: OutboxTransport[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-outbox-"));
  log = new RecordingLog();
  hub = new FaultyHub();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
  rmSync(dir, { recursive: true });
});

interface Changes {
  readonly hub?: Promise<Hub>;
  readonly maxEvents?: number;
  readonly patienceMs?: number;
  readonly batchMessages?: number;
}

function asHub(): Hub {
  return { transport: hub.transport, connection: hub, writeBytes: hub.writeBytes };
}

async function open({ maxEvents = 1000, ...changes }: Changes = {}): Promise<OutboxTransport> {
  const outbox = new Outbox(dir, { maxBytes: 10_000_000, maxEvents }, log);
  await outbox.adopt();
  const transport = new OutboxTransport({
    hub: Promise.resolve(asHub()),
    outbox,
    refusedLog: new RefusedLog(join(dir, "refused.ndjson")),
    log,
    retryMs: 2,
    drainMs: 1000,
    ...changes,
  });
  // The hub becomes known one turn later.
  await delay(0);
  opened.push(transport);
  return transport;
}

function messageNo(n: number | string): Message {
  return { subject: "evt.alpha.kitchen.ui.notify.v1", id: `id-${n}`, headers: {}, body: Buffer.from("tea") };
}

async function drained(transport: OutboxTransport): Promise<void> {
  for (let waitedMs = 0; transport.outbox.waiting > 0; waitedMs++) {
    if (waitedMs > 10_000) throw new Error(`${transport.outbox.waiting} still wait`);
    await delay(1);
  }
}

describe("OutboxTransport", () => {
  test("is not in the way of a hub that answers", async () => {
    const transport = await open();
    const receipts = await Promise.all([1, 2, 3].map((n) => transport.publish(messageNo(n))));
    expect(receipts.map(({ stream, seq }) => [stream, seq])).toEqual([
      ["EVENTS_alpha", 1],
      ["EVENTS_alpha", 2],
      ["EVENTS_alpha", 3],
    ]);
    expect(transport.outbox).toEqual({ waiting: 0, bytes: 0, refused: 0 });
  });

  test("refuses with too-large what no hub will take, before it waits for one", async () => {
    const transport = await open();
    hub.disconnect();
    const tooLarge = { ...messageNo(1), headers: { baggage: "x".repeat(MAX_EVENT_BYTES) } };
    await expect(transport.publish(tooLarge)).rejects.toMatchObject({ code: "too-large" });
    expect(transport.outbox.waiting).toBe(0);
  });

  test("keeps what is published while the hub is away, and forwards it in order when it is back", async () => {
    const transport = await open();
    hub.disconnect();
    const receipts = await Promise.all([1, 2].map((n) => transport.publish(messageNo(n))));
    expect(receipts).toEqual([
      { stream: "outbox", seq: 1, duplicate: false },
      { stream: "outbox", seq: 2, duplicate: false },
    ]);
    expect(transport.outbox.waiting).toBe(2);
    hub.reconnect();
    // It goes behind the waiting ones.
    expect((await transport.publish(messageNo(3))).stream).toBe("outbox");
    await drained(transport);
    expect((await transport.publish(messageNo(4))).stream).toBe("EVENTS_alpha");
    expect(hub.stored).toEqual(["id-1", "id-2", "id-3", "id-4"]);
  });

  test("holds back what comes while the last of it is forwarded, so that the outbox is empty soon", async () => {
    const transport = await open({ batchMessages: 3 });
    hub.disconnect();
    await Promise.all([1, 2, 3, 4].map((n) => transport.publish(messageNo(n))));
    hub.reconnect();
    while (transport.outbox.waiting > 1) await new Promise(setImmediate);
    expect(transport.outbox.waiting).toBe(1);
    const receipts = await Promise.all([5, 6, 7].map((n) => transport.publish(messageNo(n))));
    expect(receipts.map(({ stream }) => stream)).toEqual(["EVENTS_alpha", "EVENTS_alpha", "EVENTS_alpha"]);
    expect(hub.stored).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `id-${n}`));
  });

  test("forwards no more at a time than one write holds, whatever the line carries by then", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all(Array.from({ length: 20 }, (_, n) => transport.publish(messageNo(n))));
    hub.maxBytes = 4 * messageBytes(messageNo(10));
    hub.reconnect();
    while (hub.writes.length < 3) await delay(1);
    hub.maxBytes = 1;
    await drained(transport);
    expect(hub.writes.slice(0, 3)).toEqual([4, 4, 4]);
    expect(hub.writes.slice(4)).toEqual(hub.writes.slice(4).map(() => 1));
    expect(hub.stored).toEqual(Array.from({ length: 20 }, (_, n) => `id-${n}`));
  });

  test("does not hold back what comes while more than one write waits", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all([1, 2, 3, 4].map((n) => transport.publish(messageNo(n))));
    hub.maxBytes = 100;
    hub.reconnect();
    while (transport.outbox.waiting > 2) await new Promise(setImmediate);
    expect((await transport.publish(messageNo(5))).stream).toBe("outbox");
  });

  test("keeps what it holds back when the hub goes away again", async () => {
    const transport = await open({ batchMessages: 3 });
    hub.disconnect();
    await Promise.all([1, 2, 3, 4].map((n) => transport.publish(messageNo(n))));
    hub.reconnect();
    while (transport.outbox.waiting > 1) await new Promise(setImmediate);
    const held = [5, 6].map((n) => transport.publish(messageNo(n)));
    const request = transport.publish(messageNo(7), { onlyNow: true });
    hub.disconnect();
    await expect(request).rejects.toMatchObject({ code: "unavailable" });
    expect((await Promise.all(held)).map(({ stream }) => stream)).toEqual(["outbox", "outbox"]);
    hub.reconnect();
    await drained(transport);
    expect(hub.stored).toEqual([1, 2, 3, 4, 5, 6].map((n) => `id-${n}`));
  });

  test("keeps what is on its way when the connection is lost, and does not send again what was stored", async () => {
    const transport = await open();
    hub.isFrozen = true;
    const published = [1, 2, 3].map((n) => transport.publish(messageNo(n)));
    await delay(5);
    for (const listener of [hub]) listener.disconnect();
    expect((await Promise.all(published)).map(({ stream }) => stream)).toEqual([
      "outbox",
      "outbox",
      "outbox",
    ]);
    hub.reconnect();
    hub.isFrozen = false;
    await drained(transport);
    expect(hub.stored).toEqual(["id-1", "id-2", "id-3"]);
    expect(hub.sent).toHaveLength(3);
  });

  test("a hub that hangs keeps nobody waiting for longer than its patience", async () => {
    const transport = await open({ patienceMs: 10 });
    hub.isFrozen = true;
    expect((await transport.publish(messageNo(1))).stream).toBe("outbox");
    expect((await transport.publish(messageNo(2))).stream).toBe("outbox");
    hub.isFrozen = false;
    await drained(transport);
    expect(hub.stored).toEqual(["id-1", "id-2"]);
  });

  test.each(["denied", "too-large", "backpressure"] as const)(
    "tells a caller whom the hub refuses as %s, and keeps nothing",
    async (code) => {
      const transport = await open();
      hub.answers = [code];
      await expect(transport.publish(messageNo(1))).rejects.toMatchObject({ code });
      expect(transport.outbox.waiting).toBe(0);
    },
  );

  test("sets aside what is refused after it was accepted, says so, and goes on", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all([1, 2, 3].map((n) => transport.publish(messageNo(n))));
    hub.denied.add("id-2");
    hub.reconnect();
    await drained(transport);
    expect(hub.stored).toEqual(["id-1", "id-3"]);
    expect(transport.outbox.refused).toBe(1);
    expect(JSON.parse(readFileSync(join(dir, "refused.ndjson"), "utf8"))).toMatchObject({
      id: "id-2",
      subject: messageNo(2).subject,
      error: { code: "denied" },
      body: "tea",
    });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "error", event: "event in the outbox refused" }),
    );
  });

  test("waits while the hub's stream is full", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all([1, 2].map((n) => transport.publish(messageNo(n))));
    hub.answers = ["backpressure", "backpressure", "backpressure"];
    hub.reconnect();
    await drained(transport);
    expect([hub.stored, transport.outbox.refused]).toEqual([["id-1", "id-2"], 0]);
  });

  test("refuses when it is full, and delivers what it accepted", async () => {
    const transport = await open({ maxEvents: 2 });
    hub.disconnect();
    await Promise.all([1, 2].map((n) => transport.publish(messageNo(n))));
    await expect(transport.publish(messageNo(3))).rejects.toMatchObject({ code: "backpressure" });
    hub.reconnect();
    await drained(transport);
    expect(hub.stored).toEqual(["id-1", "id-2"]);
  });

  test("never keeps what is of use only now: it is sent in its turn, or rejected", async () => {
    const transport = await open();
    hub.disconnect();
    const onlyNow = { onlyNow: true };
    await expect(transport.publish(messageNo(1), onlyNow)).rejects.toMatchObject({ code: "unavailable" });
    await expect(transport.handlersOf("evt.a.b.c.v1")).rejects.toMatchObject({ code: "unavailable" });
    await transport.publish(messageNo(2));
    hub.reconnect();
    expect((await transport.publish(messageNo(3), onlyNow)).stream).toBe("EVENTS_alpha");
    hub.answers = Array.from({ length: hub.maxAttempts }, () => "lost answer");
    await expect(transport.publish(messageNo(4), onlyNow)).rejects.toMatchObject({ code: "timeout" });
    expect(transport.outbox.waiting).toBe(0);
    expect(hub.stored).toEqual(["id-2", "id-3", "id-4"]);
  });

  test("what waits is rejected when the hub goes away before its turn, if it is of use only now", async () => {
    const transport = await open();
    hub.disconnect();
    await transport.publish(messageNo(1));
    hub.isFrozen = true;
    hub.reconnect();
    const request = transport.publish(messageNo(2), { onlyNow: true });
    await delay(5);
    hub.disconnect();
    await expect(request).rejects.toMatchObject({ code: "unavailable" });
    hub.isFrozen = false;
  });

  test("accepts before the hub was ever there; subscribe waits for it", async () => {
    let reach: (hub: Hub) => void = () => undefined;
    const transport = await open({ hub: new Promise((resolve) => (reach = resolve)) });
    expect((await transport.publish(messageNo(1))).stream).toBe("outbox");
    const options = {
      durable: "d",
      pattern: parseEventPattern("*"),
      from: {},
      maxAckPending: 1,
    } as const;
    const subscribing = transport.subscribe({ ...options, startAt: "new", answers: false }, () => undefined);
    reach(asHub());
    await subscribing;
    await drained(transport);
    expect(hub.stored).toEqual(["id-1"]);
  });

  test("says why when the hub never will be there, and leaves what waits", async () => {
    const refusal = new MeshError("denied", "the server does not know the key");
    const never = Promise.reject(refusal);
    never.catch(() => undefined);
    const transport = await open({ hub: never });
    await transport.publish(messageNo(1));
    await expect(transport.handlersOf("evt.a.b.c.v1")).rejects.toBe(refusal);
    await transport.close();
    expect((await open()).outbox.waiting).toBe(1);
  });

  test("close() waits until a hub that is there has all", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all([1, 2, 3].map((n) => transport.publish(messageNo(n))));
    hub.reconnect();
    await transport.close();
    expect(hub.stored).toEqual(["id-1", "id-2", "id-3"]);
    await expect(transport.publish(messageNo(4))).rejects.toMatchObject({ code: "closed" });
  });

  test("close() leaves what a hub that is away cannot take to the next", async () => {
    const transport = await open();
    hub.disconnect();
    await Promise.all([1, 2].map((n) => transport.publish(messageNo(n))));
    await transport.close();
    hub.reconnect();
    const successor = await open();
    expect((await successor.publish(messageNo(3))).stream).toBe("outbox");
    await drained(successor);
    expect(hub.stored).toEqual(["id-1", "id-2", "id-3"]);
  });
});
