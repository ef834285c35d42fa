import type { Message } from "@adaos/core";
import { REPLY_KEY_HEADER, REPLY_PROOF_HEADER, SIGNATURE_HEADER } from "@adaos/core/wire";
import { describe, expect } from "vitest";
import type { TransportHarness, TransportTraits } from "../harness.ts";
import { publishAll } from "../scene.ts";
import { type Check, testsOf } from "../tests-of.ts";
import { checkFullLog, checkRefusals } from "./refused/publish.ts";

/** A message is stored unchanged, or refused. */
export function describePublish(harness: TransportHarness): void {
  const check = testsOf(harness);
  describe.concurrent("publish()", () => {
    checkReceipts(check, harness.traits);
    checkContents(check);
    checkBodies(check, harness.traits);
    checkRefusals(check, harness);
  });
  const { log } = harness;
  if (log !== undefined) describe("publish() to a full log", () => checkFullLog(check, log));
}

function checkReceipts(check: Check, { oneLog }: TransportTraits): void {
  check("resolves with where the message lies, and later ones lie further on", async (scene) => {
    const [from] = await scene.openBoth();
    const receipts = await publishAll(from, scene.messages(2));
    receipts.push(await from.publish(scene.message()));
    const seqs = receipts.map(({ seq }) => seq);
    expect(seqs[0]).toBeGreaterThan(0);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    const streams = new Set(receipts.map(({ stream }) => stream));
    expect([...streams]).toEqual([expect.stringMatching(/./)]);
  });

  const says = oneLog
    ? "tells the stream and number that the delivery has"
    : "tells a stream of the publisher's subnet, the delivery one of the subscriber's";
  check(says, async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const message = scene.message();
    const receipt = await from.publish(message);
    const { stream, seq } = await received.until(message);
    expect(stream).toMatch(/./);
    expect(seq).toBeGreaterThan(0);
    if (oneLog) expect({ stream, seq }).toEqual({ stream: receipt.stream, seq: receipt.seq });
    else expect(stream).not.toBe(receipt.stream);
  });

  check("stores a message that nobody subscribes yet", async (scene) => {
    const [from, to] = await scene.openBoth();
    const message = scene.message();
    await from.publish(message);
    const received = await scene.subscribe(to, { startAt: "all" });
    await received.until(message);
  });
}

function checkContents(check: Check): void {
  check(
    "carries subject, id, body, trace context, signature and what binds a reply unchanged",
    async (scene) => {
      const [from, to] = await scene.openBoth();
      const received = await scene.subscribe(to);
      const headers = {
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        tracestate: "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
        baggage: "user=alice",
        [SIGNATURE_HEADER]: `k1 EVT-1 2026-01-05T09:30:00.000Z ${"a".repeat(43)}`,
        [REPLY_KEY_HEADER]: "k".repeat(22),
        [REPLY_PROOF_HEADER]: "p".repeat(43),
      };
      const message = { ...scene.message(), headers };
      await from.publish(message);
      const delivered = (await received.until(message)).message;
      expect({ ...delivered, body: bytesOf(delivered) }).toEqual({ ...message, body: bytesOf(message) });
    },
  );

  check("carries no other header", async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const message = { ...scene.message(), headers: { "x-colour": "red" } };
    await from.publish(message);
    expect((await received.until(message)).message.headers).toEqual({});
  });

  check("leaves the bytes to the publisher once it has resolved", async (scene) => {
    const [from, to] = await scene.openBoth();
    const message = scene.message();
    const body = message.body.slice();
    await from.publish({ ...message, body });
    body.fill(0);
    const received = await scene.subscribe(to, { startAt: "all" });
    expect(bytesOf((await received.until(message)).message)).toEqual(bytesOf(message));
  });
}

function checkBodies(check: Check, { opaqueBodies, maxBodyBytes }: TransportTraits): void {
  const says = opaqueBodies
    ? "carries any bytes, and none"
    : "stores a body that is no envelope, which does not arrive";
  check(says, async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const anything = { ...scene.message(), body: Uint8Array.from({ length: 512 }, (_, i) => i % 256) };
    const nothing = { ...scene.message(), body: new Uint8Array() };
    const last = scene.message();
    await publishAll(from, [anything, nothing, last]);
    await received.until(last);
    const arrived = received.deliveries.map(({ message }) => bytesOf(message));
    expect(arrived).toEqual((opaqueBodies ? [anything, nothing, last] : [last]).map(bytesOf));
  });

  check(`carries a body of ${maxBodyBytes} bytes`, async (scene) => {
    const [from, to] = await scene.openBoth();
    const received = await scene.subscribe(to);
    const message = scene.message({ bytes: maxBodyBytes });
    await from.publish(message);
    expect(bytesOf((await received.until(message)).message).equals(message.body)).toBe(true);
  });
}

function bytesOf({ body }: Message): Buffer {
  return Buffer.from(body);
}
