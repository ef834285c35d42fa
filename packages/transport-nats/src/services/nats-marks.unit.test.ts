import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionStandIn, type Sent } from "../../../../test/kit/connection-stand-in.ts";
import { NatsMarks } from "./nats-marks.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A hub that knows some marks, takes new ones, and answers a question with its first mark or that there is none. */
class Scene {
  readonly connection = new ConnectionStandIn();
  readonly store: NatsMarks = new NatsMarks(this.connection, {
    subnet: "alpha",
    node: "kitchen",
  });
  readonly marks = new Set<string>();
  readonly questions: string[][] = [];
  readonly ran: string[] = [];
  answers = true;

  constructor() {
    this.connection.server = {
      onMessage: (message) => this.#onMessage(message),
      onDisconnect: () => {
        this.answers = false;
      },
    };
  }

  #onMessage({ subject, text, reply = "" }: Sent): void {
    if (!this.answers) return;
    if (!subject.startsWith("$JS.API.DIRECT.GET.")) {
      this.marks.add(subject);
      return this.connection.answer(reply, { stream: "DONE_alpha_kitchen", seq: this.marks.size });
    }
    expect(subject).toBe("$JS.API.DIRECT.GET.DONE_alpha_kitchen");
    const asked = (JSON.parse(text) as { multi_last: string[] }).multi_last;
    this.questions.push(asked.map((mark) => mark.split(".").at(-1) ?? ""));
    const found = asked.find((mark) => this.marks.has(mark));
    if (found === undefined) this.connection.status(reply, 404, "No Results");
    else this.connection.deliver(reply, { subject: reply, text: "" });
  }

  once(...keys: readonly string[]): Promise<(boolean | string)[]> {
    const all = keys.map((key) =>
      (async () => {
        if (await this.store.has("d", key)) return false;
        this.ran.push(key);
        await this.store.mark("d", key);
        return true;
      })().catch((error: { code: string }) => error.code),
    );
    return Promise.all(all);
  }
}

describe("NatsMarks", () => {
  test("asks once for all of one moment, runs what is new, and marks it", async () => {
    const scene = new Scene();
    const ended = scene.once("a", "b", "c");
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toEqual([true, true, true]);
    expect(scene.questions).toEqual([["a", "b", "c"]]);
    expect([...scene.marks]).toEqual(["a", "b", "c"].map((key) => `done.alpha.kitchen.d.${key}`));
  });

  test("asks for each alone when one of them is known, and runs the others only", async () => {
    const scene = new Scene();
    scene.marks.add("done.alpha.kitchen.d.b");
    const ended = scene.once("a", "b", "c");
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toEqual([true, false, true]);
    expect(scene.questions).toEqual([["a", "b", "c"], ["a"], ["b"], ["c"]]);
    expect(scene.ran).toEqual(["a", "c"]);
  });

  test("asks for at most 128 together", async () => {
    const scene = new Scene();
    const ended = scene.once(...Array.from({ length: 300 }, (_, i) => String(i)));
    await vi.advanceTimersByTimeAsync(1000);
    expect((await ended).every((ran) => ran === true)).toBe(true);
    expect(scene.questions.map(({ length }) => length)).toEqual([128, 128, 44]);
  });

  test.each<[string, (scene: Scene) => void]>([
    ["does not answer", (scene) => scene.connection.server?.onDisconnect?.()],
    ["goes away before it is asked", (scene) => scene.connection.disconnect()],
    ["goes away before it has answered", (scene) => void setTimeout(() => scene.connection.disconnect(), 1)],
  ])("runs nothing when the hub %s, and leaves no timer", async (_, befall) => {
    const scene = new Scene();
    befall(scene);
    const ended = scene.once("a", "b");
    await vi.advanceTimersByTimeAsync(5000);
    expect(await ended).toEqual(["unavailable", "unavailable"]);
    expect([scene.ran, vi.getTimerCount()]).toEqual([[], 0]);
  });

  test.each([
    [10_037, "no message found", [true]],
    // The stream of marks is away: nothing is known of the event, which may have been handled.
    [10_059, "stream not found", ["unavailable"]],
    [10_052, "consumer and stream name", ["unavailable"]],
    [undefined, "something else", ["unavailable"]],
  ])(
    "of a cluster whose leader answers 404 with code %s (%s), an event gives %j",
    async (code, _, expected) => {
      const connection = Object.assign(new ConnectionStandIn(), { servers: 3 });
      const store = new NatsMarks(connection, { subnet: "alpha", node: "kitchen" });
      connection.server = {
        onMessage: ({ subject, reply = "" }) => {
          if (subject === "$JS.API.STREAM.MSG.GET.DONE_alpha_kitchen")
            connection.answer(reply, { error: { code: 404, err_code: code } });
        },
      };
      const isNew = store.has("d", "a").then(
        (isKnown) => !isKnown,
        (error: { code: string }) => error.code,
      );
      await vi.advanceTimersByTimeAsync(5000);
      expect([await isNew]).toEqual(expected);
    },
  );
});
