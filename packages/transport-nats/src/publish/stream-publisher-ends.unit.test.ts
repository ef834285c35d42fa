import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { message, PublisherScene } from "../../../../test/kit/publisher-scene.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("StreamPublisher.close()", () => {
  test("waits until everything accepted is stored, then leaves nothing behind", async () => {
    const scene = new PublisherScene();
    scene.stream.faults.push("unavailable");
    scene.publish(message("a"), message("b"));
    const closed = scene.publisher.close().then(() => scene.ids());
    await scene.wait(1000);
    expect(await closed).toEqual(["a", "b"]);
    expect(scene.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("rejects with closed what is published from its first moment", async () => {
    const scene = new PublisherScene();
    const closing = scene.publisher.close();
    scene.publish(message("a"));
    await closing;
    await scene.wait(10);
    expect(scene.codes()).toEqual({ a: "closed" });
  });

  test("is safe to call twice", async () => {
    const scene = new PublisherScene();
    await Promise.all([scene.publisher.close(), scene.publisher.close()]);
    await scene.publisher.close();
    expect(scene.connection.open).toEqual({ listeners: 0, subscriptions: 0 });
  });

  test("is safe to call twice while something is on its way", async () => {
    const scene = new PublisherScene();
    scene.publish(message("a"));
    await scene.wait(1);
    const both = Promise.all([scene.publisher.close(), scene.publisher.close()]);
    await scene.wait(10);
    await both;
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("ends what waits with closed when the connection is closed for good", async () => {
    const scene = new PublisherScene();
    scene.connection.disconnect();
    scene.publish(message("a"), message("b"));
    await scene.wait(10);
    await scene.connection.close();
    await scene.wait(1000);
    expect(scene.codes()).toEqual({ a: "closed", b: "closed" });
  });
});

describe("StreamPublisher.publish() with a signal", () => {
  test("sends nothing again, and nothing for the first time, once it aborts", async () => {
    const scene = new PublisherScene();
    const withdrawn = new AbortController();
    scene.stream.faults.push("silent");
    scene.publish(withdrawn.signal, message("a"));
    await scene.wait(10);
    scene.publish(withdrawn.signal, message("b"));
    scene.publish(message("c"));
    withdrawn.abort();
    scene.connection.disconnect();
    await scene.wait(10);
    // The sent message may be stored; the other was not sent.
    expect(scene.codes()).toEqual({ a: "timeout", b: "unavailable" });
    scene.connection.reconnect();
    await scene.wait(8000);
    expect(scene.ids()).toEqual(["c"]);
  });

  test("waits for the answer to what is on its way", async () => {
    const scene = new PublisherScene();
    const withdrawn = new AbortController();
    scene.publish(withdrawn.signal, message("a"));
    await scene.wait(1);
    withdrawn.abort();
    await scene.wait(100);
    expect(scene.codes()).toEqual({ a: "" });
  });

  test("gives up what is between two attempts", async () => {
    const scene = new PublisherScene();
    const withdrawn = new AbortController();
    scene.stream.finally = "no-responders";
    scene.publish(withdrawn.signal, message("a"), message("b"));
    await scene.wait(1000);
    expect(scene.codes()).toEqual({});
    withdrawn.abort();
    await scene.wait(200);
    expect(scene.codes()).toEqual({ a: "unavailable", b: "unavailable" });
  });
});
