import type { PublishReceipt } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ids, message, PublisherScene, SECRET } from "../../../../test/kit/publisher-scene.ts";
import type { Fault } from "../../../../test/kit/stream-stand-in.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("StreamPublisher.publish()", () => {
  test("stores a message alone without a batch, under its id, with its headers", async () => {
    const scene = new PublisherScene();
    scene.publish(message("a", { headers: { traceparent: "00-1" } }));
    await scene.wait(10);
    expect(scene.outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: false });
    expect(scene.connection.sent).toMatchObject([
      { text: "body a", headers: { "Nats-Msg-Id": "a", traceparent: "00-1" } },
    ]);
    expect(Object.keys(scene.connection.sent[0]?.headers ?? {})).toHaveLength(2);
  });

  test("stores what one tick publishes in one batch, in order, each with its own seq", async () => {
    const scene = new PublisherScene();
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([24]);
    expect(scene.ids()).toEqual(ids(24));
    const seqs = [...scene.outcomes.values()].map((outcome) => (outcome as PublishReceipt).seq);
    expect(seqs).toEqual(ids(24).map((id) => Number(id) + 1));
  });

  test("stores a few one after the other, which is quicker than a batch of them", async () => {
    const scene = new PublisherScene();
    scene.publish(...ids(5).map((id) => message(id)));
    await scene.wait(3);
    expect(scene.stream.writes).toEqual([1, 1]);
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([1, 1, 1, 1, 1]);
    expect(scene.ids()).toEqual(ids(5));
  });

  test("sends a few together where order means nothing, and none waits for another", async () => {
    const scene = new PublisherScene({ isOrdered: false });
    scene.publish(...ids(19).map((id) => message(id)));
    await scene.wait(1);
    scene.publish(message("x"));
    await scene.wait(1);
    expect(Object.keys(scene.codes())).toEqual(ids(19));
    expect(scene.stream.writes).toEqual([...ids(19), "x"].map(() => 1));
  });

  test("puts what comes while a batch is on its way into the next one, and sends none before that has its answer", async () => {
    const scene = new PublisherScene();
    scene.publish(...ids(20).map((id) => message(`a${id}`)));
    await scene.wait(1);
    scene.publish(...ids(21).map((id) => message(`b${id}`)));
    expect(scene.connection.sent).toHaveLength(20);
    await scene.wait(10);
    expect(scene.stream.writes).toEqual([20, 21]);
    expect(scene.ids()).toEqual([...ids(20).map((id) => `a${id}`), ...ids(21).map((id) => `b${id}`)]);
  });

  test("sends again, before anything else, what could not be stored singly, in order", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("unavailable");
    scene.publish(message("a"), message("b"));
    await scene.wait(3);
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(500);
    expect(scene.ids()).toEqual(["a", "b", ...ids(24)]);
  });

  test("puts at most 500 messages into a batch", async () => {
    const scene = new PublisherScene();
    await scene.warmUp(1_000_000);
    scene.publish(...ids(1201).map((id) => message(id)));
    await scene.wait(20);
    expect(scene.stream.writes).toEqual([500, 500, 201]);
    expect(scene.ids()).toEqual(ids(1201));
  });

  test("puts at most 4 MiB into a batch", async () => {
    const scene = new PublisherScene();
    await scene.warmUp(4 * 1024 * 1024);
    const body = new Uint8Array(250_000);
    scene.publish(...ids(60).map((id) => message(id, { body })));
    await scene.wait(20);
    expect(scene.stream.writes).toEqual([16, 16, 16, 12]);
  });

  test("tells of an id that was stored before, though a batch with it is refused whole", async () => {
    const scene = new PublisherScene();
    scene.publish(message("a"));
    await scene.wait(10);
    scene.publish(...["b", "c", "a", "d", ...ids(16)].map((id) => message(id)));
    await scene.wait(50);
    expect(scene.stream.writes).toEqual([1, 20, ...ids(20).map(() => 1)]);
    expect(scene.ids()).toEqual(["a", "b", "c", "d", ...ids(16)]);
    expect(scene.outcomes.get("a")).toEqual({ stream: "EVENTS_alpha", seq: 1, duplicate: true });
    expect(scene.outcomes.get("d")).toEqual({ stream: "EVENTS_alpha", seq: 4, duplicate: false });
  });

  test("stores one of two with the same id in one tick, and answers both", async () => {
    const scene = new PublisherScene();
    const all = Promise.all(["a", "a", "b", ...ids(17)].map((id) => scene.publisher.publish(message(id))));
    await scene.wait(50);
    expect((await all).slice(0, 3)).toEqual([
      { stream: "EVENTS_alpha", seq: 1, duplicate: false },
      { stream: "EVENTS_alpha", seq: 1, duplicate: true },
      { stream: "EVENTS_alpha", seq: 2, duplicate: false },
    ]);
  });

  test("rejects only the one that the server denies; its neighbours are stored, in order", async () => {
    const scene = new PublisherScene();
    scene.stream.denied.add(SECRET);
    const secret = message("x", { subject: SECRET });
    scene.publish(message("a"), message("b"), secret, ...ids(19).map((id) => message(id)));
    await scene.wait(400);
    expect(Object.entries(scene.codes()).filter(([, code]) => code !== "")).toEqual([["x", "denied"]]);
    expect(scene.ids()).toEqual(["a", "b", ...ids(19)]);
  });

  test("sends once more, in its place, what a server refuses while it reads its config", async () => {
    const scene = new PublisherScene();
    scene.stream.denied.add(SECRET);
    scene.publish(message("a"), message("x", { subject: SECRET }), ...ids(19).map((id) => message(id)));
    await scene.wait(50);
    scene.stream.denied.delete(SECRET);
    await scene.wait(400);
    expect(Object.values(scene.codes()).filter((code) => code !== "")).toEqual([]);
    expect(scene.ids()).toEqual(["a", "x", ...ids(19)]);
  });

  test("rejects with backpressure what a full stream refuses, at once", async () => {
    const scene = new PublisherScene();
    scene.stream.finally = "full";
    scene.publish(message("a"), message("b"));
    await scene.wait(50);
    expect(scene.codes()).toEqual({ a: "backpressure", b: "backpressure" });
  });

  test.each(["unavailable", "no-responders"] as const)(
    "tries again while the stream is away (%s), and stores when it is back",
    async (fault) => {
      const scene = new PublisherScene();
      scene.stream.finally = fault;
      scene.publish(message("a"), message("b"));
      await scene.wait(5000);
      expect(scene.codes()).toEqual({});
      scene.stream.finally = "none";
      await scene.wait(200);
      expect(scene.codes()).toEqual({ a: "", b: "" });
      expect(scene.ids()).toEqual(["a", "b"]);
    },
  );

  test.each<[Fault, string]>([
    ["unavailable", "unavailable"],
    ["no-responders", "unavailable"],
    ["silent", "timeout"],
  ])("when it goes on for ever (%s), ends after 10 s with %j", async (fault, code) => {
    const scene = new PublisherScene();
    scene.stream.finally = fault;
    scene.publish(message("a"));
    await scene.wait(13_000);
    expect(scene.codes()).toEqual({ a: code });
  });

  test("stores once what it had to send again, after acknowledgements that were lost or late", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("ack-lost", "ack-late", "broken-after");
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(20_000);
    expect(scene.ids()).toEqual(ids(24));
    expect(new Set(Object.values(scene.codes()))).toEqual(new Set([""]));
  });

  test("does not write while the server is away, and stores when it is back", async () => {
    const scene = new PublisherScene();
    scene.connection.disconnect();
    scene.publish(message("a"));
    await scene.wait(3000);
    expect(scene.connection.sent).toEqual([]);
    scene.connection.reconnect();
    await scene.wait(200);
    expect(scene.ids()).toEqual(["a"]);
  });

  test("does not wait for an answer over a connection that has broken", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("broken-before");
    scene.publish(message("a"));
    await scene.wait(500);
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("sends a batch of unknown outcome again as a batch", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("silent");
    scene.publish(...ids(24).map((id) => message(id)));
    await scene.wait(3000);
    expect(scene.stream.writes).toEqual([24, 24]);
    expect(scene.ids()).toEqual(ids(24));
  });

  test("gives up, when its time is up, what waits behind a write that does not end, and has room again", async () => {
    const body = new Uint8Array(60);
    const scene = new PublisherScene({ maxQueuedBytes: 400 });
    scene.stream.finally = "silent";
    scene.publish(message("a", { body }));
    await scene.wait(1);
    scene.publish(message("b", { body }));
    await scene.wait(14_000);
    expect(Object.keys(scene.codes())).toEqual(["a", "b"]);
    expect(scene.codes()["a"]).toBe("timeout");
    scene.stream.finally = "none";
    scene.publish(message("c", { body }));
    await scene.wait(3000);
    expect(scene.codes()["c"]).toBe("");
  });

  test("says timeout, not denied, of what an earlier attempt may have stored", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("broken-after");
    scene.publish(message("a", { subject: SECRET }));
    await scene.wait(100);
    scene.stream.denied.add(SECRET);
    await scene.wait(13_000);
    expect([scene.ids(), scene.codes()]).toEqual([["a"], { a: "timeout" }]);
  });

  test("says timeout, not unavailable, of what an earlier attempt may have stored", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("ack-lost");
    scene.stream.finally = "no-responders";
    scene.publish(message("a"));
    await scene.wait(13_000);
    expect(scene.ids()).toEqual(["a"]);
    expect(scene.codes()).toEqual({ a: "timeout" });
  });
});
