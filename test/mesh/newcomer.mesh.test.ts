import { NonRetryableError } from "@adaos/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

let mesh: TestMesh;
beforeAll(async () => {
  mesh = await TestMesh.start();
});
afterAll(async () => mesh.stop());

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("adaos events failed", () => {
  test("marks a failure whose dead letter was replayed", async () => {
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen" }, () => {
      throw new NonRetryableError("no screen");
    });
    const lamp = await mesh.connect("beta/lamp");
    await lamp.publish("ui.notify", { text: "Tea is ready" });
    const failed = async () => lines((await mesh.adaos(["events", "failed", "--json"])).stdout);
    await until("it has failed", async () => (await failed()).length === 1);
    expect(await failed()).not.toContainEqual(expect.objectContaining({ replayed: true }));
    expect((await mesh.adaos(["events", "dlq", "replay", "--yes"])).code).toBe(0);
    await until("the replay has failed", async () => (await failed()).length === 2);
    expect((await failed()).map((record) => record["replayed"])).toEqual([true, undefined]);
    await desk.close();
  });
});

describe("adaos durables", () => {
  const list = async () => lines((await mesh.adaos(["durables", "list", "--at", "beta", "--json"])).stdout);
  const screen = async () => (await list()).find(({ durable }) => durable === "screen");

  test("lists, resets and deletes a durable that nobody uses, and no other", async () => {
    await until("nobody waits at it", async () => (await screen())?.["waiting"] === 0);
    expect(await screen()).toMatchObject({ node: "desk", pattern: "ui.notify", pending: 0 });
    expect((await screen())?.["last_activity"]).toMatch(/^\d{4}-/);
    const inUse = await mesh.adaos(["durables", "delete", "beta/desk/journal-ui", "--yes"]);
    expect([inUse.code, inUse.stderr]).toEqual([64, expect.stringContaining("a program waits")]);

    const reset = ["durables", "reset", "beta/desk/screen", "--start", "all", "--json"];
    expect(lines((await mesh.adaos([...reset, "--dry-run"])).stdout)).toEqual([
      { reset: 1, pending: 0, unsettled: 0, dry_run: true },
    ]);
    expect((await screen())?.["pending"]).toBe(0);
    expect((await mesh.adaos([...reset, "--yes"])).code).toBe(0);
    expect((await screen())?.["pending"]).toBeGreaterThan(0);

    expect((await mesh.adaos(["durables", "delete", "beta/desk/screen", "--yes"])).code).toBe(0);
    expect(await screen()).toBeUndefined();
    // The durable's member may have it again.
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "screen" }, () => undefined);
    expect(await screen()).toBeDefined();
  });
});

describe("a name that nobody declares", () => {
  test("is told by tail, with the name that was meant", async () => {
    const { child, result } = mesh.begin(["events", "tail", "ui.notfy", "--at", "beta"]);
    let said = "";
    child.stderr?.on("data", (chunk) => {
      said += String(chunk);
    });
    await until("it is told", () => said.includes("did you mean ui.notify?"));
    child.kill("SIGINT");
    await result;
  });
});

describe("a subnet whose server hangs", () => {
  test("is left out and told, and the others are read", async () => {
    const goOn = mesh.freeze("nats-beta");
    try {
      const { code, stdout, stderr } = await mesh.adaos(["durables", "list", "--json"]);
      expect([code, stderr]).toEqual([69, expect.stringContaining("left out beta: ")]);
      expect(new Set(lines(stdout).map(({ subnet }) => subnet))).toEqual(new Set(["alpha"]));
    } finally {
      goOn();
    }
  });
});
