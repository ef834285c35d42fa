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
    const kitchen = await mesh.connect("alpha/kitchen");
    const { eventId } = await kitchen.publish("ui.notify", { text: "alpha is well" });
    const goOn = mesh.freeze("nats-beta");
    try {
      const looks = [
        ["durables", "list", "--json"],
        ["events", "registry", "check", "--against-stream", "1h", "--json"],
        ["store", "verify", "--json"],
        ["events", "detail", eventId, "--json"],
      ].map((args) => mesh.adaos(args));
      const [list, check, verify, detail] = await Promise.all(looks);
      for (const look of [list, check, verify, detail])
        expect([look?.code, look?.stderr]).toEqual([69, expect.stringContaining("left out beta: ")]);
      expect(new Set(lines(list?.stdout ?? "").map(({ subnet }) => subnet))).toEqual(new Set(["alpha"]));
      expect(lines(check?.stdout ?? "")[0]?.["checked"]).toBeGreaterThan(0);
      const [{ streams } = {}] = lines(verify?.stdout ?? "") as { streams?: { of: string }[] }[];
      expect(new Set(streams?.map(({ of }) => of))).toEqual(new Set(["root", "alpha"]));
      expect(lines(detail?.stdout ?? "")[0]).toMatchObject({ event: { stream: "EVENTS_alpha" } });
      const alone = await mesh.adaos(["events", "tail", "ui.", "--at", "beta", "--last", "--count", "1"]);
      expect([alone.code, alone.stderr]).toEqual([
        69,
        expect.stringMatching(/^error beta: no nats-server answers/),
      ]);
    } finally {
      goOn();
    }
  });
});

describe("adaos events tail", () => {
  test("tells when its subnet stops answering and when it answers again, and which of both it ended with", async () => {
    const { child, result } = mesh.begin(["events", "tail", "ui.", "--at", "beta", "--since", "1h"]);
    const other = mesh.begin(["events", "tail", "ui.", "--at", "beta", "--since", "1h"]);
    const said = ["", ""];
    let seen = 0;
    for (const [i, run] of [child, other.child].entries()) {
      run.stderr?.on("data", (chunk) => {
        said[i] += String(chunk);
      });
      run.stdout?.once("data", () => seen++);
    }
    await until("both are there", () => seen === 2);
    const goOn = mesh.freeze("nats-beta");
    try {
      const gone = "beta does not answer any more";
      await until("both tell it", () => said.every((text) => text.includes(gone)), 40_000);
      other.child.kill("SIGINT");
      expect((await other.result).code).toBe(69);
    } finally {
      goOn();
    }
    await until("it is there again", () => said[0]?.includes("beta answers again") === true, 40_000);
    child.kill("SIGINT");
    expect((await result).code).toBe(0);
  });
});

describe("adaos events publish", () => {
  const publish = (text: string, ...more: readonly string[]) => {
    const data = JSON.stringify({ text });
    return mesh.begin(["events", "publish", "ui.notify", "--as", "alpha/kitchen", "--data", data, ...more]);
  };
  /** Every text that the hub's stream has, once all of these are in it. */
  const stored = async (texts: readonly string[]): Promise<string[]> => {
    const { child, result } = mesh.begin([
      "events",
      "tail",
      "ui.",
      "--at",
      "alpha",
      "--since",
      "1h",
      "--json",
    ]);
    let printed = "";
    child.stdout?.on("data", (chunk) => {
      printed += String(chunk);
    });
    await until("all are printed", () => texts.every((text) => printed.includes(`"${text}"`)));
    child.kill("SIGINT");
    return lines((await result).stdout).map(({ data }) => (data as { text: string }).text);
  };

  test("keeps events or tries again while the hub hangs, and loses and doubles none", async () => {
    const goOn = mesh.freeze("nats-alpha");
    const waited = publish("waited", "--wait", "60s", "--json");
    const given = publish("given up", "--wait", "1s", "--json");
    const atMs = new Map<string, number>();
    given.child.stderr?.once("data", () => atMs.set("said", performance.now()));
    given.child.once("exit", () => atMs.set("ended", performance.now()));
    try {
      const kept = await Promise.all([1, 2].map((n) => publish(`kept ${n}`, "--outbox", "--json").result));
      expect(kept.map(({ code }) => code)).toEqual([0, 0]);
      const receipts = kept.flatMap(({ stdout }) => lines(stdout));
      expect(receipts.map((receipt) => receipt["stream"])).toEqual(["outbox", "outbox"]);
      expect(new Set(receipts.map((receipt) => receipt["event_id"])).size).toBe(2);

      const { code, stdout, stderr } = await given.result;
      expect([code, stdout]).toEqual([69, ""]);
      // A dial gives up after 5 s only: it is the wait that has ended this one, and nothing keeps its process.
      const error = { code: "unavailable", message: "no hub to publish to within 1000 ms" };
      expect(lines(stderr)).toEqual([{ error: expect.objectContaining(error) }]);
      expect((atMs.get("ended") ?? Number.NaN) - (atMs.get("said") ?? Number.NaN)).toBeLessThan(2500);
    } finally {
      goOn();
    }
    // The node's next process sends them.
    expect((await publish("next").result).code).toBe(0);
    const { code, stdout } = await waited.result;
    expect([code, lines(stdout)[0]?.["stream"]]).toEqual([0, "EVENTS_alpha"]);
    const texts = ["kept 1", "kept 2", "next", "waited"];
    expect((await stored(texts)).filter((text) => texts.includes(text)).sort()).toEqual(texts);
  });

  test("refuses to wait and to keep at once, and waits for no event that is wrong", async () => {
    expect((await publish("both", "--outbox", "--wait", "1s").result).code).toBe(64);
    const args = ["events", "publish", "ui.notify", "--as", "alpha/kitchen", "--data", "{}", "--wait", "60s"];
    expect((await mesh.adaos(args)).code).toBe(65);
  });
});

describe("adaos status", () => {
  test("tells how many events wait for a member whose handler has stopped", async () => {
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("ui.notify", { durable: "late" }, () => undefined);
    await desk.close();
    const lamp = await mesh.connect("beta/lamp");
    for (let n = 0; n < 3; n++) await lamp.publish("ui.notify", { text: `late ${n}` });
    await until("three wait", async () => {
      const { components } = await mesh.health();
      return (components.find(({ name }) => name === "beta/desk")?.lag ?? 0) >= 3;
    });
    expect((await mesh.adaos(["status"])).stdout).toMatch(/beta\/desk .* \d+ waiting/);
  });
});
