import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bus, NonRetryableError, RetryableError } from "@adaos/client";
import { newEventId } from "@adaos/core";
import { formatSubject } from "@adaos/core/wire";
import { StreamPublisher } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { throughProtobuf } from "../kit/otlp-collector.ts";
import { WhyScene } from "../kit/why-scene.ts";

/** A wait that no test sees the end of. */
const PATIENT = { baseMs: 60_000, factor: 1, maxRetries: 2, jitter: 0 } as const;
/** What commands a terminal, turns the text, or looks like a line of ours. */
const HOSTILE = "\u001b[31mred\u202eder\n└ beta/desk/screen handled\u0007";
const CHAIN = 200;

interface Traced {
  readonly event_id: string;
  readonly published_at: string;
  readonly hops: readonly { of: string }[];
  readonly caused: readonly Traced[];
}

describe("adaos trace and why, as processes on a real mesh", () => {
  let mesh: TestMesh;
  let scene: WhyScene;
  let kitchen: Bus;
  let desk: Bus;

  const notify = async (text: string): Promise<string> =>
    (await kitchen.publish("ui.notify", { text })).eventId;

  async function trace(id: string): Promise<{ events: number; roots: Traced[] }> {
    const { stdout, stderr } = await mesh.ask(["trace", id, "--json"]);
    expect(stderr).toBe("");
    return JSON.parse(stdout) as { events: number; roots: Traced[] };
  }

  /** Checks the document by the protocol's own types. */
  async function otlp(id: string): Promise<{ resourceSpans: unknown[] }> {
    const file = join(mesh.dir, `${id}.json`);
    const { code, stderr } = await mesh.ask(["trace", id, "--otlp", file]);
    expect(code, stderr).toBe(0);
    const document = JSON.parse(readFileSync(file, "utf8")) as { resourceSpans: unknown[] };
    expect(throughProtobuf(document)).toMatchObject({
      resourceSpans: document.resourceSpans.map(() => ({})),
    });
    return document;
  }

  beforeAll(async () => {
    mesh = await TestMesh.start();
    scene = new WhyScene(mesh, async (args) => (await mesh.adaos(args)).stdout);
    kitchen = await mesh.connect("alpha/kitchen");
    desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen", retry: PATIENT }, async (event) => {
      const { text } = event.data as { text: string };
      if (text === "retry") throw new RetryableError("screen is busy");
      if (text === "hostile") throw new NonRetryableError(HOSTILE);
      if (text === "good") await desk.publish("ui.notify", { text: "seen" });
    });
  });
  afterAll(() => mesh.stop());

  test("the trace has the event that its handler published, as a tree and as OTLP", async () => {
    const id = await notify("good");
    await until("the trace has both", async () => {
      const { events, roots } = await trace(id);
      const isEverywhere = roots[0]?.hops.map(({ of }) => of).join() === "alpha,root,beta";
      return isEverywhere && events === 2 && roots[0]?.caused.length === 1;
    });
    await until("it is handled", async () =>
      /beta\/desk\/screen handled/.test((await mesh.ask(["trace", id])).stdout),
    );
    expect((await otlp(id)).resourceSpans.length).toBeGreaterThanOrEqual(3);
  });

  test("what is retried, and what is on its way", async () => {
    const id = await notify("retry");
    await scene.expect([
      ["a retry", id, "retrying @ beta/desk/screen", { by: "RetryableError: screen is busy" }],
    ]);
    expect((await mesh.ask(["trace", id])).stdout).toMatch(/screen retrying .* next at/);
    const go = mesh.freeze("root");
    try {
      const stuck = await notify("stuck");
      expect((await mesh.ask(["trace", stuck])).stdout).toMatch(/on its way: link up alpha/);
    } finally {
      go();
    }
  });

  test("an error and an envelope of a hostile writer command no terminal, and stay whole in JSON", async () => {
    const id = await notify("hostile");
    const by = expect.stringContaining("red") as string;
    await scene.expect([["an error", id, "dead letter @ beta/desk/screen", { by }]]);
    const odd = await scene.publishRaw(
      "ui.notify",
      { text: HOSTILE },
      { source: HOSTILE, ts: "1; rm -rf $HOME" },
    );
    const chosen = await scene.publishRaw("ui.notify", { text: "x" }, { correlationId: HOSTILE });
    for (const args of [
      ["why", id],
      ["trace", id],
      ["why", odd],
      ["trace", odd],
      ["trace", chosen],
    ]) {
      const { code, stdout, stderr } = await mesh.adaos(args);
      expect([args, code, stderr]).toEqual([args, 0, ""]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
      expect(stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
      expect(stdout).not.toMatch(/^└ beta\/desk\/screen handled/m);
    }
    const { stdout } = await mesh.ask(["trace", chosen, "--json"]);
    expect((JSON.parse(stdout) as { correlation_id: string }).correlation_id).toBe(HOSTILE);
    for (const one of [odd, chosen]) await otlp(one);
    for (const { next } of await scene.ask(odd)) expect(next).toMatch(/^(adaos|grep) [\w@./: "-]+$/);
  });

  test("handlers that answer each other without an end make a trace that can be read", async () => {
    const ids = Array.from({ length: CHAIN }, () => newEventId(Date.now()));
    const bare = await mesh.openMember("alpha/kitchen");
    const publisher = new StreamPublisher(bare);
    const subject = formatSubject({ subnet: "alpha", node: "kitchen", name: "ui.notify", version: 1 });
    const stored = ids.map((event_id, i) => {
      const head = {
        event_id,
        event_name: "ui.notify",
        version: 1,
        kind: "event",
        ts: new Date().toISOString(),
      };
      const cause = { correlation_id: ids[0], ...(i === 0 ? {} : { causation_id: ids[i - 1] }) };
      const envelope = {
        ...head,
        ...cause,
        source: "test@kitchen",
        tenant: "default",
        headers: {},
        data: { text: "x" },
      };
      return publisher.publish({
        subject,
        id: event_id,
        headers: {},
        body: Buffer.from(JSON.stringify(envelope)),
      });
    });
    await Promise.all(stored);
    await publisher.close();
    await bare.close();
    const { events, roots } = await trace(ids.at(-1) ?? "");
    expect(events).toBe(CHAIN);
    expect(roots.length).toBe(CHAIN / 100);
    const { stdout } = await mesh.ask(["trace", ids[0] ?? ""]);
    for (const id of ids) expect(stdout).toContain(id);
  });

  test("an id that nobody knows, or that is none, is told as one", async () => {
    const unknown = "EVT-20260105-093000-0123456789ab";
    for (const args of [
      ["why", unknown],
      ["trace", unknown],
      ["trace", "nobody"],
      ["why", "EVT-1"],
      ["why", HOSTILE],
    ]) {
      const { code, stdout, stderr } = await mesh.adaos(args);
      expect([args, code, stdout]).toEqual([args, 64, ""]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
      expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
    }
  });
});
