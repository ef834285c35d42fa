import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@adaos/client";
import { nodeFilePath, nodeId, readNodeFile, readSeed } from "@adaos/config";
import { openConnection } from "@adaos/transport-nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

const MESH = `# Who is who.
mesh: members
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen: { publish: [ui.], subscribe: [ui.] } # The tablet on the wall.
`;
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

describe("adaos node", { timeout: 90_000 }, () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: MESH });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  const fileOf = (node: string): string => nodeFilePath(mesh.state, nodeId({ subnet: "alpha", node }));
  const keyOf = (node: string): string => readSeed(join(mesh.state, `keys/alpha/members/${node}.nk`));
  const dial = (node: string, seed: string): ReturnType<typeof openConnection> => {
    const { url } = readNodeFile(fileOf("kitchen"), "member").config.server;
    return openConnection({ url, name: "raw", user: node, seed, log: SILENT });
  };

  test("add makes a member of the mesh file and of the mesh that runs", async () => {
    const kitchen = mesh.pid("alpha/kitchen");
    const args = [
      "node",
      "add",
      "alpha/hall",
      "--publish",
      "ui.,nlp.",
      "--subscribe",
      "ui.",
      "--role",
      "kiosk",
      "--json",
    ];
    const { code, stdout, stderr } = await mesh.adaos(args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({ node: "alpha/hall", added: true, node_file: fileOf("hall") });
    const text = readFileSync(mesh.configFile, "utf8");
    expect(text).toContain("# The tablet on the wall.");
    expect(text).toMatch(
      /hall: \{ roles: \[ ?kiosk ?\], publish: \[ ?ui\., nlp\. ?\], subscribe: \[ ?ui\. ?\] \}/,
    );
    const hall = await mesh.connect("alpha/hall");
    const seen: string[] = [];
    await hall.subscribe("ui.notify", { durable: "all" }, ({ event_id }) => void seen.push(event_id));
    const { eventId } = await (await mesh.connect("alpha/kitchen")).publish("ui.notify", { text: "hello" });
    await until("it came", () => seen.includes(eventId));
    expect(mesh.pid("alpha/kitchen")).toBe(kitchen);
    expect(mesh.pid("alpha/hall")).toBeGreaterThan(0);
  });

  test("refuses a member that is there, a pattern that is none and a subnet that is not, and changes nothing", async () => {
    const before = readFileSync(mesh.configFile, "utf8");
    for (const [args, code, problem] of [
      [["alpha/hall", "--publish", "ui."], 64, /has a member alpha\/hall already/],
      [["alpha/porch", "--publish", "ui"], 64, /event pattern "ui"/],
      [["gamma/porch", "--publish", "ui."], 64, /no subnet gamma/],
      [["porch"], 64, /porch/],
    ] as const) {
      const result = await mesh.ask(["node", "add", ...args]);
      expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(problem)]);
    }
    expect(readFileSync(mesh.configFile, "utf8")).toBe(before);
    expect(existsSync(fileOf("porch"))).toBe(false);
  });

  test("rotate: what goes on publishing loses nothing, the old key opens nothing, the new one does", async () => {
    const old = keyOf("hall");
    const hall = await mesh.connect("alpha/hall");
    const kitchen = await mesh.connect("alpha/kitchen");
    const seen = new Set<string>();
    await kitchen.subscribe("ui.notify", { durable: "rotate" }, ({ event_id }) => void seen.add(event_id));
    const published: Promise<{ readonly eventId: string }>[] = [];
    const clock = setInterval(() => void published.push(hall.publish("ui.notify", { text: "x" })), 10);
    try {
      await until("some have come", () => seen.size > 20);
      const { code, stderr } = await mesh.ask(["node", "rotate", "alpha/hall"]);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      const so = seen.size;
      await until("more have come", () => seen.size > so + 20);
    } finally {
      clearInterval(clock);
    }
    const ids = (await Promise.all(published)).map(({ eventId }) => eventId);
    await until("all have come", () => ids.every((id) => seen.has(id)));
    await expect(dial("hall", old)).rejects.toMatchObject({ code: "denied" });
    expect(keyOf("hall")).not.toBe(old);
    await (await dial("hall", keyOf("hall"))).close();
    await until("all is ready", () => mesh.isReady());
  });

  test("will not bring changes along that nobody has applied", async () => {
    const before = readFileSync(mesh.configFile, "utf8");
    mesh.configure(before.replace(/kitchen: \{ publish: \[ ?ui\./, "$&, nlp."));
    const { code, stderr } = await mesh.ask(["node", "rotate", "alpha/hall"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("not applied")]);
    mesh.configure(before);
  });

  test("remove asks first, then disconnects for good; one of that name that comes later has another key", async () => {
    const old = keyOf("hall");
    expect(await mesh.ask(["node", "remove", "alpha/hall"])).toMatchObject({ code: 64 });
    const raw = await dial("hall", old);
    const { code } = await mesh.ask(["node", "remove", "alpha/hall", "--yes"]);
    expect(code).toBe(0);
    await until("it is out", () => !raw.connected);
    await raw.close();
    expect(readFileSync(mesh.configFile, "utf8")).not.toContain("hall");
    expect(existsSync(fileOf("hall"))).toBe(false);
    await expect(connect({ as: "alpha/hall", state: mesh.state, log: SILENT })).rejects.toMatchObject({
      code: "usage",
    });
    await expect(dial("hall", old)).rejects.toMatchObject({ code: "denied" });
    expect((await mesh.ask(["node", "add", "alpha/hall", "--publish", "ui."])).code).toBe(0);
    expect(keyOf("hall")).not.toBe(old);
    await expect(dial("hall", old)).rejects.toMatchObject({ code: "denied" });
  });
});
