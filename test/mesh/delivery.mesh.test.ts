import { NonRetryableError, RetryableError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

interface Listed {
  readonly dead_letter_id: string;
  readonly event_id: string;
  readonly category: string;
  readonly node: string;
  readonly durable: string;
  readonly attempts: readonly { at: string; message: string }[];
  readonly error: { type: string; message: string; stack: string };
  readonly message: { body_base64: string };
}

/** Short waits, so that a test sees the end of them. */
const QUICK = { baseMs: 50, factor: 1, maxRetries: 2, jitter: 0 } as const;

describe("delivery, on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  async function deadLetters(durable: string): Promise<Listed[]> {
    const { code, stdout, stderr } = await mesh.ask([
      "events",
      "dlq",
      "list",
      "--durable",
      durable,
      "--json",
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Listed);
  }

  test("a permanent failure is a dead letter at once, with why, and replay gives it to its handler again", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const tries: { id: string; cause: string | undefined; key: string | undefined }[] = [];
    let broken = true;
    await speaker.subscribe(
      "ui.notify",
      { durable: "once", from: { node: "kitchen" }, retry: QUICK },
      (event) => {
        tries.push({ id: event.event_id, cause: event.causation_id, key: event.headers["idempotency_key"] });
        if (broken) throw new NonRetryableError("no such screen");
      },
    );
    const others: string[] = [];
    const lamp = await mesh.connect("alpha/speaker");
    await lamp.subscribe("ui.notify", { durable: "other" }, ({ event_id }) => others.push(event_id));

    const { eventId } = await kitchen.publish("ui.notify", { text: "to a broken screen" });
    await until("it is a dead letter", async () => (await deadLetters("once")).length === 1);
    expect(tries).toHaveLength(1);
    const [letter] = await deadLetters("once");
    expect(letter).toMatchObject({
      event_id: eventId,
      category: "permanent",
      node: "alpha/speaker",
      durable: "once",
      error: { type: "NonRetryableError", message: "no such screen" },
    });
    expect(letter?.error.stack).toContain("delivery.mesh.test");
    expect(JSON.parse(Buffer.from(letter?.message.body_base64 ?? "", "base64").toString())).toMatchObject({
      event_id: eventId,
      data: { text: "to a broken screen" },
    });

    const dry = await mesh.ask(["events", "dlq", "replay", "--durable", "once", "--dry-run"]);
    expect(dry.stderr).toContain("would replay 1 dead letter");
    broken = false;
    const replay = await mesh.ask(["events", "dlq", "replay", "--durable", "once", "--yes", "--json"]);
    expect(JSON.parse(replay.stdout)).toEqual({ replayed: 1, failed: 0 });
    expect(replay.stderr).toContain("permanent reasons");
    await until("it was handled again", () => tries.length === 2);
    expect(tries[1]).toMatchObject({ cause: eventId, key: eventId });
    expect(tries[1]?.id).not.toBe(eventId);
    expect(await deadLetters("once")).toEqual([]);
    const again = await mesh.ask(["events", "dlq", "replay", "--durable", "once", "--yes"]);
    expect(again.code).toBe(0);
    // The other durable saw the event once: a replay is for the one that failed.
    expect(others).toEqual([eventId]);
  });

  test("a transient failure is retried after its wait, recorded, and forgotten by nobody when it succeeds", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const at: number[] = [];
    await speaker.subscribe("nlp.intent.detected", { durable: "flaky", retry: QUICK }, () => {
      at.push(Date.now());
      if (at.length <= 2) throw new RetryableError("not yet", { retryAfterMs: 300 });
    });
    const { eventId } = await kitchen.publish("nlp.intent.detected", {
      intent: "a",
      slots: {},
      locale: "en",
    });
    await until("it succeeded", () => speaker.stats.handled === 1);
    expect(at).toHaveLength(3);
    for (const i of [1, 2]) expect((at[i] ?? 0) - (at[i - 1] ?? 0)).toBeGreaterThanOrEqual(290);
    expect(speaker.stats).toMatchObject({ retried: 2, deadLettered: 0 });
    const record = await lastRecord("alpha", `proc.alpha.speaker.flaky.${eventId}.*`);
    expect(record).toMatchObject({
      event_id: eventId,
      status: "success",
      retry_info: { count: 2, max_retries: 2 },
      recovery_actions: [
        { action: "exponential_backoff", backoff_seconds: 0.3 },
        { action: "exponential_backoff", backoff_seconds: 0.3 },
      ],
    });
    expect(await deadLetters("flaky")).toEqual([]);
  });

  test("spent retries end as a dead letter that tells every attempt, and neighbours do not wait", async () => {
    const desk = await mesh.connect("beta/desk");
    const kitchen = await mesh.connect("alpha/kitchen");
    const good: string[] = [];
    await desk.subscribe("nlp.intent.detected", { durable: "poisoned", retry: QUICK }, (event) => {
      if (event.data.intent === "poison") throw Object.assign(new Error("gone"), { code: "ECONNRESET" });
      good.push(event.event_id);
    });
    const publish = (intent: string) =>
      kitchen.publish("nlp.intent.detected", { intent, slots: {}, locale: "en" });
    const poison = await publish("poison");
    const sent = await Promise.all(Array.from({ length: 50 }, () => publish("good")));
    await until("the neighbours are handled", () => good.length === 50);
    expect(new Set(good)).toEqual(new Set(sent.map(({ eventId }) => eventId)));
    await until("the poison is a dead letter", async () => (await deadLetters("poisoned")).length === 1);
    const [letter] = await deadLetters("poisoned");
    expect(letter).toMatchObject({ event_id: poison.eventId, category: "transient", node: "beta/desk" });
    expect(letter?.attempts.map(({ message }) => message)).toEqual(["gone", "gone", "gone"]);
  });

  test("an event whose dead letter cannot be stored stays and is tried again until it can", async () => {
    const hub = await hubConnection("alpha");
    const jsm = await hub.jetstreamManager();
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    await speaker.subscribe("ui.notify", { durable: "unlucky", from: { node: "kitchen" } }, () => {
      throw new NonRetryableError("never");
    });
    // The hub would make the stream anew within seconds.
    const thaw = mesh.freeze("alpha/hub");
    try {
      await jsm.streams.delete("DLQ_alpha");
      await kitchen.publish("ui.notify", { text: "nowhere to go" });
      await until("the write has failed", () => speaker.stats.held >= 1, 40_000);
      expect(speaker.stats.deadLettered).toBe(0);
    } finally {
      thaw();
      await hub.close();
    }
    await until("it is a dead letter after all", () => speaker.stats.deadLettered === 1, 40_000);
    expect(await deadLetters("unlucky")).toHaveLength(1);
  });

  test("a run of an action of one's own is recorded, found by its tags, and a dead letter when it fails", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const fail = (tags: readonly string[]) =>
      kitchen.run("backup.upload", () => Promise.reject(new NonRetryableError("no bucket")), { tags });
    await expect(fail(["nightly", "disk"])).rejects.toThrow("no bucket");
    await expect(fail(["weekly"])).rejects.toThrow("no bucket");
    const { stdout } = await mesh.ask(["events", "failed", "--tag", "nightly", "--json"]);
    const records = stdout.split("\n").filter(Boolean);
    expect(records).toHaveLength(1);
    expect(JSON.parse(records[0] ?? "")).toMatchObject({
      event_type: "backup.upload",
      status: "failed",
      tags: ["nightly", "disk"],
    });
    const { runId } = await kitchen.run("backup.upload", () => 1, { tags: ["nightly"] });
    const all = await mesh.ask(["events", "failed", "--tag", "nightly", "--json"]);
    expect(all.stdout).toContain(runId);
    const letters = (await mesh.ask(["events", "dlq", "list", "--node", "alpha/kitchen", "--json"])).stdout;
    const [letter, ...more] = letters
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    expect(more).toHaveLength(1);
    expect(letter).toMatchObject({ kind: "run", event_name: "backup.upload", attempts: [{}] });
    const replayed = await mesh.ask(["events", "dlq", "replay", letter.dead_letter_id, "--yes"]);
    expect([replayed.code, replayed.stderr]).toEqual([65, expect.stringContaining("of a run")]);
    const none = await mesh.ask(["events", "dlq", "replay", "--node", "alpha/kitchen", "--dry-run"]);
    expect(none.stdout + none.stderr).toMatch(/\b(0|no) dead letters/);
  });

  test("purge deletes what is old, keeps what is young, and asks first", async () => {
    const before = await deadLetters("poisoned");
    expect(before).toHaveLength(1);
    const unasked = await mesh.ask(["events", "dlq", "purge", "--durable", "poisoned", "--older-than", "0"]);
    expect(unasked.code).toBe(64);
    const young = await mesh.ask(["events", "dlq", "purge", "--durable", "poisoned", "--yes", "--json"]);
    expect(JSON.parse(young.stdout)).toMatchObject({ delete: 0 });
    const old = await mesh.ask([
      "events",
      "dlq",
      "purge",
      "--durable",
      "poisoned",
      "--older-than",
      "0",
      "--yes",
      "--json",
    ]);
    expect(JSON.parse(old.stdout)).toEqual({ deleted: 1, kept: 0 });
    expect(await deadLetters("poisoned")).toEqual([]);
  });

  async function hubConnection(subnet: string): Promise<NatsConnection> {
    return (await mesh.openService(subnet)).nc;
  }

  async function lastRecord(subnet: string, subject: string): Promise<unknown> {
    const hub = await hubConnection(subnet);
    try {
      const jsm = await hub.jetstreamManager();
      return (await jsm.streams.getMessage(`PROCESSING_${subnet}`, { last_by_subj: subject })).json();
    } finally {
      await hub.close();
    }
  }
});
