import { NonRetryableError } from "@adaos/client";
import type { IdempotencyStore } from "@adaos/core";
import { DeliverPolicy } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const WINDOW_MS = 1000;
const YAML = `
mesh: once
registry: ../schemas/events
streams: { duplicateWindowMs: ${WINDOW_MS} }
subnets:
  alpha:
    export: [ui.]
    members:
      kitchen: { publish: [ui.] }
  beta:
    import: [ui.]
    members:
      desk: { subscribe: [ui.] }
`;

describe("an effect happens once", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  const windowOver = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 500));

  test("when an event is published again after the servers have forgotten its id", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    const effects: string[] = [];
    await desk.subscribe("ui.notify", { durable: "again" }, ({ event_id }) => void effects.push(event_id));
    const { eventId } = await kitchen.publish("ui.notify", { text: "once" });
    await until("it was handled", () => effects.length === 1);
    let again = await kitchen.publish("ui.notify", { text: "once" }, { eventId });
    // Not a wait for work to be done: the window is a time.
    await until("the window is over", async () => {
      await windowOver();
      again = await kitchen.publish("ui.notify", { text: "once" }, { eventId });
      return !again.duplicate;
    });
    await until("it came again", () => desk.stats.repeated >= 1);
    expect(effects).toEqual([eventId]);
    expect(desk.stats.handled).toBe(1);
  });

  test("when another event means the same effect, at the same time too", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const [desk, twin] = [await mesh.connect("beta/desk"), await mesh.connect("beta/desk")];
    const effects: string[] = [];
    const keys: string[] = [];
    const handle = async (event: { data: { text: string } }, context: { idempotencyKey: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      effects.push(event.data.text);
      keys.push(context.idempotencyKey);
    };
    await desk.subscribe("ui.notify", { durable: "key", startAt: "new" }, handle);
    const publish = (text: string, idempotencyKey: string) =>
      kitchen.publish("ui.notify", { text }, { idempotencyKey });
    await Promise.all([publish("a", "one"), publish("b", "one"), publish("c", "two")]);
    await until("all came", () => desk.stats.handled + desk.stats.repeated === 3);
    expect(effects).toHaveLength(2);
    expect(effects).toContain("c");
    expect(new Set(keys).size).toBe(2);
    // The node's other process shares what was done.
    await desk.close();
    await twin.subscribe("ui.notify", { durable: "key" }, handle);
    await publish("d", "two");
    await until("it came to the other", () => twin.stats.repeated === 1);
    expect(effects).toHaveLength(2);
  });

  test("when a durable is lost and everything comes again", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    const effects: string[] = [];
    const options = { durable: "lost", startAt: "all" } as const;
    await desk.subscribe("ui.", options, ({ event_id }) => void effects.push(event_id));
    const sent = await Promise.all(
      Array.from({ length: 300 }, (_, i) => kitchen.publish("ui.notify", { text: `${i}` })),
    );
    const all = (): boolean => sent.every(({ eventId }) => effects.includes(eventId));
    await until("all were handled", all);
    await until("all are settled", () => desk.stats.handled === effects.length);
    const before = effects.length;
    await desk.close();
    await beginAnew("beta", "EVENTS_beta", "desk_lost");
    const successor = await mesh.connect("beta/desk");
    await successor.subscribe("ui.", options, ({ event_id }) => void effects.push(event_id));
    await until("everything came again", () => successor.stats.repeated >= before);
    expect(effects).toHaveLength(before);
    expect(new Set(effects).size).toBe(before);
  });

  test("and not before its handler has succeeded", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    let effects = 0;
    const retry = { baseMs: 50, jitter: 0, maxRetries: 2 };
    await desk.subscribe("ui.notify", { durable: "fails", retry }, () => {
      effects++;
      if (effects === 1) throw new Error("not yet");
    });
    await kitchen.publish("ui.notify", { text: "retried" });
    await until("it succeeded", () => desk.stats.handled === 1);
    expect(effects).toBe(2);
  });

  test("when its dead letter is replayed twice", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    const effects: string[] = [];
    let broken = true;
    await desk.subscribe("ui.notify", { durable: "letter" }, (event) => {
      if (broken) throw new NonRetryableError("no screen");
      effects.push(event.causation_id ?? "");
    });
    const { eventId } = await kitchen.publish("ui.notify", { text: "lettered" });
    await until("it is a dead letter", () => desk.stats.deadLettered === 1);
    broken = false;
    const replay = ["events", "dlq", "replay", "--durable", "letter", "--yes", "--json"];
    const letter = await rawDeadLetter("beta", "desk", "letter");
    expect(JSON.parse((await mesh.adaos(replay)).stdout)).toMatchObject({ replayed: 1 });
    await until("it was handled", () => effects.length === 1);
    await windowOver();
    // As if the first replay had been killed before it took the letter away.
    await restoreDeadLetter("beta", letter);
    expect(JSON.parse((await mesh.adaos(replay)).stdout)).toMatchObject({ replayed: 1 });
    await until("it came again", () => desk.stats.repeated === 1);
    expect(effects).toEqual([eventId]);
  });

  test("with a store that joins effect and mark", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const desk = await mesh.connect("beta/desk");
    const committed = new Map<string, string>();
    let commitFails = true;
    const store: IdempotencyStore = {
      async once(_durable, key, effect) {
        if (committed.has(key)) return false;
        const transaction: string[] = [];
        await effect(transaction);
        if (commitFails) {
          commitFails = false;
          throw new Error("the database went away");
        }
        committed.set(key, transaction.join());
        return true;
      },
    };
    await desk.subscribe("ui.notify", { durable: "joined", idempotency: store }, (event, { transaction }) => {
      (transaction as string[]).push(event.event_id);
    });
    const { eventId } = await kitchen.publish("ui.notify", { text: "joined" });
    await until("it was handled", () => desk.stats.handled === 1);
    expect([...committed.values()]).toEqual([eventId]);
    // A commit that fails is no failure of the handler: nothing of it is recorded or counted as an attempt.
    expect(desk.stats).toMatchObject({ retried: 0, held: 1 });
  });

  /** As a server that has lost a durable, and nobody knows any more where it stood. */
  function beginAnew(subnet: string, stream: string, consumer: string): Promise<unknown> {
    return mesh.asService(subnet, async (nc) => {
      const { consumers } = await nc.jetstreamManager();
      const { config } = await consumers.info(stream, consumer);
      const { opt_start_seq: _, opt_start_time: __, ...kept } = config;
      await consumers.delete(stream, consumer);
      return consumers.add(stream, { ...kept, deliver_policy: DeliverPolicy.All });
    });
  }

  function rawDeadLetter(subnet: string, node: string, durable: string): Promise<Uint8Array> {
    return mesh.asService(subnet, async (nc) => {
      const jsm = await nc.jetstreamManager();
      const last_by_subj = `dlq.${subnet}.${node}.${durable}.*`;
      return (await jsm.streams.getMessage(`DLQ_${subnet}`, { last_by_subj })).data;
    });
  }

  function restoreDeadLetter(subnet: string, body: Uint8Array): Promise<unknown> {
    const { node, durable } = JSON.parse(new TextDecoder().decode(body)) as { node: string; durable: string };
    const subject = `dlq.${node.replace("/", ".")}.${durable}.again`;
    return mesh.asService(subnet, (nc) => nc.jetstream().publish(subject, body));
  }
});
