import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bus } from "@adaos/client";
import { newEventId } from "@adaos/core";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { writeFiles } from "../kit/small-registry.ts";

const LOST = { kind: "command", semantics: { delivery: "at-most-once" } };
const EVENTS = {
  "lab.level.read": LOST,
  "lab.level.read.result": { kind: "reply" },
  "lab.depth.read": LOST,
  "lab.depth.read.result": { kind: "reply" },
  "lab.door.open": { kind: "command" },
  "lab.door.open.result": { kind: "reply" },
  "safe.code.read": LOST,
  "safe.code.read.result": { kind: "reply" },
};
const YAML = `
mesh: ask
registry: REGISTRY
subnets:
  alpha:
    export: [lab.]
    members:
      kitchen: { publish: [lab., safe.] }
      cellar: { subscribe: [lab., safe.] }
      stranger: { publish: [lab.], subscribe: [lab.] }
  beta:
    import: [lab.]
    members:
      desk: { subscribe: [lab.] }
`;

describe("request() of a command that is delivered at most once", () => {
  let mesh: TestMesh;
  let registry: string;
  let kitchen: Bus;
  let cellar: Bus;
  beforeAll(async () => {
    registry = await mkdtemp(join(tmpdir(), "adaos-registry-"));
    await writeFiles(registry, registryFiles());
    mesh = await TestMesh.start({ yaml: YAML.replace("REGISTRY", registry) });
    [kitchen, cellar] = [await mesh.connect("alpha/kitchen"), await mesh.connect("alpha/cellar")];
  });
  afterAll(async () => {
    await mesh.stop();
    await rm(registry, { recursive: true });
  });

  const stored = (subnet: string): Promise<number> =>
    mesh.asService(subnet, async (nc) => {
      const { state } = await (await nc.jetstreamManager()).streams.info(`EVENTS_${subnet}`);
      return state.last_seq;
    });

  test("is answered, and stores neither command nor reply", async () => {
    const got: number[] = [];
    const subscription = await cellar.subscribe("lab.level.read", { durable: "level" }, ({ data }, about) => {
      got.push(about.seq);
      return { level: (data as { of: number }).of };
    });
    const before = await stored("alpha");
    const asked = Array.from({ length: 200 }, (_, of) => kitchen.request("lab.level.read", { of }));
    const replies = await Promise.all(asked);
    expect(replies.map(({ data }) => (data as { level: number }).level)).toEqual(
      Array.from({ length: 200 }, (_, of) => of),
    );
    expect(replies[0]).toMatchObject({ event_name: "lab.level.read.result", source: "app@cellar" });
    expect(got).toEqual(Array.from({ length: 200 }, () => 0));
    expect(await stored("alpha")).toBe(before);
    await subscription.stop();
  });

  test("is told at once that no handler is listening, and of a failure that could be cured too", async () => {
    const startedMs = performance.now();
    await expect(kitchen.request("safe.code.read", {}, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: "no-handler",
      message: expect.stringContaining("no handler of safe.code.read@1 is listening"),
    });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    const subscription = await cellar.subscribe("safe.code.read", { durable: "code" }, ({ data }) => {
      if ((data as { wait?: true }).wait === true) return new Promise(() => undefined);
      throw new Error("the bulb is gone");
    });
    await expect(kitchen.request("safe.code.read", {})).rejects.toMatchObject({
      code: "failed",
      message: "alpha/cellar could not handle safe.code.read@1: the bulb is gone",
    });
    await expect(kitchen.request("safe.code.read", { wait: true }, { timeoutMs: 300 })).rejects.toMatchObject(
      { code: "timeout" },
    );
    expect(cellar.stats).toMatchObject({ failed: 1, deadLettered: 0, retried: 0 });
    await subscription.stop(0);
    await expect(kitchen.request("safe.code.read", {})).rejects.toMatchObject({ code: "no-handler" });
  });

  test("crosses the root stored, where nobody of the subnet listens", async () => {
    const desk = await mesh.connect("beta/desk");
    const seqs: number[] = [];
    await desk.subscribe("lab.depth.read", { durable: "depth" }, (_, { seq }) => {
      seqs.push(seq);
      return { depth: 7 };
    });
    const reply = await kitchen.request("lab.depth.read", { of: 1 }, { timeoutMs: 20_000 });
    expect(reply).toMatchObject({ source: "app@desk", data: { depth: 7 } });
    expect(seqs[0]).toBeGreaterThan(0);
    await desk.close();
  });

  test("refuses an idempotencyKey, which nobody would remember", async () => {
    const asked = kitchen.request("lab.level.read", {}, { idempotencyKey: "k" });
    await expect(asked).rejects.toMatchObject({ code: "usage" });
  });

  describe("before somebody who speaks NATS without our client", () => {
    let stranger: NatsConnection;
    const denied: string[] = [];
    beforeAll(async () => {
      ({ nc: stranger } = await mesh.openMember("alpha/stranger"));
      void (async () => {
        for await (const { data } of stranger.status()) denied.push(String(data));
      })();
    });
    afterAll(() => stranger.close());

    /** Listens, and tells what comes; a subscription that is refused ends with an error. */
    const listening = (subject: string): { readonly got: string[]; readonly refused: () => boolean } => {
      const got: string[] = [];
      let isRefused = false;
      stranger.subscribe(subject, {
        callback: (error, msg) => {
          if (error === null) got.push(msg.subject);
          else isRefused = true;
        },
      });
      return { got, refused: () => isRefused };
    };

    test("lets it read neither a command that it may not subscribe nor the replies to others", async () => {
      await cellar.subscribe("safe.code.read", { durable: "code" }, () => ({ code: "1234" }));
      const tried = [
        "ask.>",
        "ans.>",
        "asked.>",
        "asked.alpha.>",
        "asked.alpha.*.>",
        "asked.*.*.safe.code.read.v1",
        "asked.alpha.kitchen.safe.code.read.v1",
        "got.>",
        "got.near.alpha.kitchen.>",
        "got.*.alpha.*.>",
        "_INBOX_kitchen.>",
        "_INBOX.>",
        "_R_.>",
      ].map(listening);
      // It may listen to the replies to itself, among which nothing of this comes.
      const own = listening("got.*.alpha.stranger.>");
      await stranger.flush();
      await until("the refusals are told", () => tried.every(({ refused }) => refused()));
      for (let i = 0; i < 20; i++) await kitchen.request("safe.code.read", {});
      await stranger.flush();
      expect([...tried, own].flatMap(({ got }) => got)).toEqual([]);
    });

    test("lets it answer nothing that it may not subscribe, nor under another's name, nor for another subnet", async () => {
      const id = newEventId(Date.now());
      const before = denied.length;
      const tried = [
        `ans.near.alpha.kitchen.${id}.alpha.stranger.safe.code.read.v1`,
        `ans.near.alpha.kitchen.${id}.alpha.cellar.lab.level.read.v1`,
        `ans.far.beta.desk.${id}.alpha.stranger.lab.level.read.v1`,
        `ans.near.beta.desk.${id}.alpha.stranger.lab.level.read.v1`,
        `got.near.alpha.kitchen.${id}.alpha.stranger.lab.level.read.v1`,
        `asked.alpha.stranger.lab.level.read.v1`,
        `asked.alpha.kitchen.lab.level.read.v1`,
        `ask.alpha.kitchen.lab.level.read.v1`,
        `ask.alpha.stranger.safe.code.read.v1`,
      ];
      for (const subject of tried) stranger.publish(subject, "{}");
      await until("the refusals are told", () => denied.length >= before + tried.length);
    });

    test("takes no answer of one that may answer the command but has not read this one", async () => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      const subscription = await cellar.subscribe("lab.level.read", { durable: "slow" }, async () => {
        await held;
        return { level: 1 };
      });
      const eventId = newEventId(Date.now());
      const reply = kitchen.request("lab.level.read", {}, { eventId });
      const envelope = {
        ...{
          event_id: newEventId(Date.now()),
          event_name: "lab.level.read.result",
          version: 1,
          kind: "reply",
        },
        ...{ ts: new Date().toISOString(), source: "app@stranger", correlation_id: eventId },
        ...{ causation_id: eventId, tenant: "default", headers: {}, data: { level: 666 } },
      };
      const subject = `ans.near.alpha.kitchen.${eventId}.alpha.stranger.lab.level.read.v1`;
      for (let i = 0; i < 10; i++) stranger.publish(subject, JSON.stringify(envelope));
      await stranger.flush();
      release();
      expect((await reply).data).toEqual({ level: 1 });
      await subscription.stop();
    });

    test("hands a command that must not be lost to no handler when it is asked without a store", async () => {
      let ran = 0;
      const subscription = await cellar.subscribe("lab.door.open", { durable: "door" }, () => {
        ran++;
        return {};
      });
      const event_id = newEventId(Date.now());
      const envelope = {
        ...{ event_id, event_name: "lab.door.open", version: 1, kind: "command" },
        ...{ ts: new Date().toISOString(), source: "app@stranger", correlation_id: event_id },
        ...{ tenant: "default", headers: { reply_to: "alpha/stranger" }, data: {} },
      };
      const answers = listening("got.*.alpha.stranger.>");
      const before = await stored("alpha");
      stranger.publish("ask.alpha.stranger.lab.door.open.v1", JSON.stringify(envelope));
      await until("it is told", () => answers.got.length > 0);
      expect([ran, await stored("alpha")]).toEqual([0, before]);
      await kitchen.request("lab.door.open", {});
      expect(ran).toBe(1);
      await subscription.stop();
    });

    test("has no answer stored or handed on under a subject that a command names for its reply", async () => {
      const before = await stored("alpha");
      const event_id = newEventId(Date.now());
      const subjects = [
        "evt.alpha.stranger.safe.code.read.v1",
        "evt.alpha.kitchen.lab.level.read.v1",
        `got.near.alpha.kitchen.${event_id}.alpha.cellar.lab.level.read.v1`,
        `svc.hub.kitchen.budget`,
      ];
      for (const reply of subjects) stranger.publish("ask.alpha.stranger.lab.level.read.v1", "{}", { reply });
      await stranger.flush();
      expect(await stored("alpha")).toBe(before);
    });
  });
});

/** A registry in which any data is right. JSON is YAML. */
function registryFiles(): Record<string, string> {
  const files: Record<string, string> = {};
  const records = Object.entries(EVENTS).map(([name, about]) => {
    const folder = `${name.replace(".", "/")}/v1`;
    const schema = { $id: `urn:adaos:schema:${name}:v1`, "x-version": "1.0.0", type: "object" };
    files[`${folder}/schema.json`] = JSON.stringify(schema);
    files[`${folder}/examples/empty.json`] = "{}";
    const paths = { schema: `${folder}/schema.json`, examples: [`${folder}/examples/empty.json`] };
    return { name, version: 1, summary: "A test's.", status: "stable", ...paths, ...about };
  });
  return { ...files, "registry.yaml": JSON.stringify(records) };
}
