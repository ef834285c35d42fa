import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adaos, leftovers, TestMesh, until } from "../kit/mesh.ts";

describe("adaos, the real command line on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start();
  });
  afterAll(async () => {
    await mesh.stop();
  });

  test("status: 0 and every server, node and link ready", async () => {
    const { code, stdout } = await mesh.adaos(["status", "--json"]);
    expect(code).toBe(0);
    const health = JSON.parse(stdout) as {
      ready: boolean;
      components: { kind: string; name: string; ready: boolean }[];
    };
    expect(health.ready).toBe(true);
    const names = (kind: string): string[] =>
      health.components.filter((c) => c.kind === kind).map(({ name }) => name);
    expect(names("server")).toEqual(["nats-root", "nats-alpha", "nats-beta"]);
    expect(names("node")).toEqual([
      "root",
      "alpha/hub",
      "alpha/kitchen",
      "alpha/speaker",
      "beta/hub",
      "beta/desk",
      "beta/lamp",
    ]);
    expect(names("link").sort()).toEqual(["down alpha", "down beta", "up alpha", "up beta"]);
  });

  test("publish: tells where the event lies, and tail at the root and the other subnet prints it", async () => {
    const data = { text: "Tea is ready" };
    const args = [
      "events",
      "publish",
      "ui.notify",
      "--data",
      JSON.stringify(data),
      "--as",
      "alpha/kitchen",
      "--json",
    ];
    const published = await mesh.adaos(args);
    expect(published.stderr).toBe("");
    expect(published.code).toBe(0);
    const told = JSON.parse(published.stdout) as {
      event_id: string;
      subject: string;
      stream: string;
      seq: number;
    };
    expect(told.subject).toBe("evt.alpha.kitchen.ui.notify.v1");
    expect(told.stream).toBe("EVENTS_alpha");
    expect(told.seq).toBeGreaterThan(0);
    for (const at of ["alpha", "root", "beta"]) {
      const tail = await mesh.adaos([
        "events",
        "tail",
        "ui.",
        "--at",
        at,
        "--since",
        "10m",
        "--count",
        "1",
        "--json",
      ]);
      expect(tail.code).toBe(0);
      const envelope = JSON.parse(tail.stdout) as { event_id: string; source: string; data: unknown };
      expect(envelope.event_id).toBe(told.event_id);
      expect(envelope.source).toBe("cli@kitchen");
      expect(envelope.data).toEqual(data);
    }
  });

  test("publish: takes data from a file and from standard input, and prints a line a field without --json", async () => {
    const ask = ["events", "publish", "ui.notify@1", "--as", "beta/lamp", "--data"];
    const piped = await mesh.adaos([...ask, "-"], '{"text":"from a pipe"}');
    expect(piped.code).toBe(0);
    expect(piped.stdout).toMatch(
      /^event_id +EVT-\d{8}-\d{6}-[0-9a-f]{12}\nsubject +evt\.beta\.lamp\.ui\.notify\.v1\n/,
    );
    const file = join(mesh.dir, "data.json");
    writeFileSync(file, '{"text":"from a file"}');
    expect((await mesh.adaos([...ask, `@${file}`])).code).toBe(0);
  });

  test.each([
    ["an unknown event", 65, ["ui.notifi", '{"text":"x"}'], /ui\.notifi.*ui\.notify/s],
    [
      "data that breaks the schema",
      65,
      ["ui.notify", '{"text":7}'],
      /\/text .*string.*urn:adaos:schema:ui\.notify:v1|urn:adaos:schema:ui\.notify:v1.*\/text .*string/s,
    ],
    ["data that is not JSON", 65, ["ui.notify", "{text}"], /JSON/],
    ["an event policy does not allow", 77, ["repo.skill.installed", "{}"], /default-deny/],
    ["a name that is none", 65, ["ui..notify", "{}"], /token/],
  ])("publish: %s gives exit code %i and says why", async (_what, code, [event = "", data = ""], reason) => {
    const result = await mesh.adaos(["events", "publish", event, "--data", data, "--as", "alpha/kitchen"]);
    expect(result.stderr).toMatch(reason);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
  });

  test.each([
    ["no such command", ["evnts"], 64],
    ["no such option", ["status", "--colour"], 64],
    ["a missing option", ["events", "publish", "ui.notify"], 64],
    [
      "a member that does not exist",
      ["events", "publish", "ui.notify", "--data", "{}", "--as", "alpha/nobody"],
      64,
    ],
    ["an address that is none", ["events", "publish", "ui.notify", "--data", "{}", "--as", "kitchen"], 64],
    ["a subnet that does not exist", ["events", "tail", "*", "--at", "gamma"], 64],
    ["a count that is none", ["events", "tail", "*", "--at", "alpha", "--count", "0"], 64],
    ["a config that is wrong", ["up", "--config", "package.json"], 78],
    ["a node file that is missing", ["node", "hub", "--config", "no-such-file.json"], 78],
  ])("%s gives exit code", async (_what, args, code) => {
    const result = await mesh.adaos(args);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toBe("");
    expect(result.stdout).toBe("");
  });

  test("secrets are for their owner only, and in no log", async () => {
    const keys = readdirSync(join(mesh.state, "keys"), { recursive: true, encoding: "utf8" })
      .map((name) => join(mesh.state, "keys", name))
      .filter((path) => statSync(path).isFile());
    expect(keys.length).toBeGreaterThan(10);
    for (const key of keys) expect(statSync(key).mode & 0o077).toBe(0);
    const seeds = keys.filter((key) => key.endsWith(".nk")).map((key) => readFileSync(key, "utf8").trim());
    for (const folder of ["logs", "nodes", "servers", "run"]) {
      for (const name of readdirSync(join(mesh.state, folder), { recursive: true, encoding: "utf8" })) {
        const path = join(mesh.state, folder, name);
        if (!statSync(path).isFile()) continue;
        const text = readFileSync(path, "utf8");
        expect(seeds.filter((seed) => text.includes(seed))).toEqual([]);
      }
    }
  });

  test("up again says that it is up; without a mesh, status, publish and tail are unreachable", async () => {
    const again = await mesh.adaos(["up", "--config", mesh.configFile, "--detach"]);
    expect(again.code).toBe(0);
    expect(again.stderr).toContain("already up");
    const nowhere = { env: { ADAOS_STATE: join(mesh.dir, "nothing") } };
    for (const args of [
      ["status"],
      ["events", "publish", "ui.notify", "--data", '{"text":"x"}', "--as", "alpha/kitchen"],
      ["events", "tail", "*", "--at", "root"],
    ]) {
      expect((await adaos(args, nowhere)).code).toBe(69);
    }
    expect((await adaos(["down"], nowhere)).code).toBe(0);
  });

  test("a killed daemon shows in status until it is back", async () => {
    const pid = mesh.pid("alpha/speaker");
    process.kill(pid, "SIGSTOP");
    const stopped = await mesh.adaos(["status"]);
    process.kill(pid, "SIGCONT");
    expect(stopped.code).toBe(69);
    expect(stopped.stdout).toMatch(/node +alpha\/speaker +NOT READY/);
    process.kill(pid, "SIGKILL");
    await until("speaker is another process", () => mesh.isReplaced("alpha/speaker", pid));
    await until("all is ready again", () => mesh.isReady());
  });

  test("down leaves no process and no port", async () => {
    const layout = mesh.layout();
    const pids = [...layout.servers.map(({ name }) => name), ...layout.nodes.map(({ id }) => id)].map(
      (name) => mesh.pid(name),
    );
    const ports = layout.servers.map(({ url }) => Number(new URL(url).port));
    const runFiles = readdirSync(join(mesh.state, "run")).filter((name) => name !== "processes.json");
    const statusPorts = runFiles.map((name) => {
      const { statusUrl } = JSON.parse(readFileSync(join(mesh.state, "run", name), "utf8")) as {
        statusUrl: string;
      };
      return Number(new URL(statusUrl).port);
    });
    // Of each daemon, and of the supervisor.
    expect(statusPorts).toHaveLength(8);
    expect((await leftovers(pids, [...ports, ...statusPorts])).length).toBe(
      pids.length + ports.length + statusPorts.length,
    );
    expect((await mesh.adaos(["down"])).code).toBe(0);
    expect(await leftovers(pids, [...ports, ...statusPorts])).toEqual([]);
    expect((await mesh.adaos(["status"])).code).toBe(69);
  });
});
