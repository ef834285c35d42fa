import type { Message } from "@adaos/core";
import { messageBytes } from "@adaos/core/wire";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ids, message, PublisherScene } from "../../../../test/kit/publisher-scene.ts";
import type { StreamStandIn } from "../../../../test/kit/stream-stand-in.ts";
import { keyedIds } from "./message-ids.ts";
import { StreamPublisher, type StreamPublisherOptions } from "./stream-publisher.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("StreamPublisher.publish(), refused before anything is sent", () => {
  test("refuses with too-large what the server would not take", async () => {
    const scene = new PublisherScene();
    scene.publish(message("a", { body: new Uint8Array(1_048_576) }));
    await scene.wait(10);
    expect([scene.codes(), scene.connection.sent]).toEqual([{ a: "too-large" }, []]);
  });

  test("refuses with too-large what the stream would not take, and nothing that it takes", async () => {
    const sizes = fc.record({
      id: fc.stringMatching(/^[ -~]{1,60}$/),
      bodyBytes: fc.integer({ min: 0, max: 2000 }),
      headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,20}$/), fc.stringMatching(/^[ -~]{0,300}$/), {
        maxKeys: 5,
      }),
      others: fc.integer({ min: 0, max: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ id, bodyBytes, headers, others }) => {
        const maxMessageBytes = 1500;
        const scene = new PublisherScene({ maxMessageBytes });
        // The longest id that is possible.
        Object.assign(scene.connection, { ids: keyedIds("SUAKITCHEN") });
        const one = message(id, { headers, body: new Uint8Array(bodyBytes) });
        scene.publish(one, ...ids(others).map((other) => message(`other ${other}`)));
        await scene.wait(20);
        const sent = scene.connection.sent.filter(({ text }) => text.length === bodyBytes);
        for (const { bytes } of sent) expect(bytes).toBeLessThanOrEqual(maxMessageBytes);
        const isRefused = messageBytes(one) > maxMessageBytes;
        expect(scene.codes()[id]).toBe(isRefused ? "too-large" : "");
        await scene.publisher.close();
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["Nats-Msg-Id", "x"],
    ["nats-expected-stream", "x"],
    ["a b", "x"],
    ["a:b", "x"],
    ["", "x"],
    ["traceparent", "a\r\nNats-Rollup: all"],
    ["traceparent", "\u00e9"],
  ])("refuses the header %j: %j as invalid-event", async (key, value) => {
    const scene = new PublisherScene();
    scene.publish(message("a", { headers: { [key]: value } }));
    await scene.wait(10);
    expect([scene.codes(), scene.connection.sent]).toEqual([{ a: "invalid-event" }, []]);
  });

  test("refuses with backpressure beyond maxQueued messages, and takes more when there is room", async () => {
    const scene = new PublisherScene({ maxQueued: 3 });
    scene.publish(...ids(5).map((id) => message(id)));
    await scene.wait(10);
    expect(scene.codes()).toEqual({ 0: "", 1: "", 2: "", 3: "backpressure", 4: "backpressure" });
    scene.publish(message("x"));
    await scene.wait(10);
    expect(scene.codes()["x"]).toBe("");
  });

  test("refuses with backpressure beyond maxQueuedBytes, and takes more when there is room", async () => {
    const scene = new PublisherScene({ maxQueuedBytes: 400 });
    const body = new Uint8Array(60);
    scene.publish(message("a", { body }), message("b", { body }));
    await scene.wait(10);
    expect(scene.codes()).toEqual({ a: "", b: "backpressure" });
    scene.publish(message("c", { body }));
    await scene.wait(10);
    expect(scene.codes()["c"]).toBe("");
  });
});

describe("StreamPublisher.publish(), of what the server takes for a duplicate", () => {
  const MINE = message("a");
  const THEIRS = message("a", { subject: "evt.alpha.evil.ui.notify.v1" });

  async function publishAfter(
    before: Message,
    options: StreamPublisherOptions,
    answers: StreamStandIn["directGet"],
  ): Promise<PublisherScene> {
    const scene = new PublisherScene(options);
    scene.stream.directGet = answers;
    const other = new StreamPublisher(scene.connection);
    await Promise.all([other.publish(before), scene.wait(10)]);
    scene.publish(MINE);
    await scene.wait(500);
    return scene;
  }

  test.each(["held", "gone"] as const)("tells so when it is its own, which is %s there", async (answers) => {
    const { outcomes, stream } = await publishAfter(MINE, { checksDuplicates: true }, answers);
    expect(outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: true });
    expect(stream.stored).toHaveLength(1);
  });

  test("stores it under another id when something else has its own", async () => {
    const { outcomes, stream } = await publishAfter(THEIRS, { checksDuplicates: true }, "held");
    expect(outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 2, duplicate: false });
    expect(stream.stored.map(({ subject }) => subject)).toEqual([THEIRS.subject, MINE.subject]);
  });

  test("does not report it stored while the stream does not tell, and never that it is not", async () => {
    const options = { checksDuplicates: true, timeoutMs: 5000 };
    const scene = await publishAfter(MINE, options, "silent");
    expect(scene.outcomes.size).toBe(0);
    await scene.wait(10_000);
    expect(scene.codes()).toEqual({ a: "timeout" });
  });

  test("takes the server's word where it may not read", async () => {
    const { outcomes, stream } = await publishAfter(MINE, {}, "silent");
    expect(outcomes.get("a")).toMatchObject({ duplicate: true });
    expect(stream.stored).toHaveLength(1);
  });
});
