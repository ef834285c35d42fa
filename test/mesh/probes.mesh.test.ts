import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { logFilePath, runFilePath } from "@adaos/config";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DATABASE_PASSWORD, type DatabaseServer, databaseServer } from "../kit/database-servers.ts";
import { HOME, TestMesh, until } from "../kit/mesh.ts";

const found = {
  postgresql: await databaseServer("postgresql"),
  redis: await databaseServer("redis"),
} as const;
const ofMember = await databaseServer("redis");
const LIMIT_MS = 60_000;

/** What an example prints, and what its log says on standard error. */
interface Run {
  readonly lines: string[];
  readonly logged: string[];
}

/** Runs an example on a mesh within its process. Its output grows while it runs. */
function runExample(name: string, url: string, env: NodeJS.ProcessEnv = {}): Run {
  const own = { ADAOS_MESH: "examples/local.yaml", DATABASE_URL: url, INTERVAL_MS: "150", WAIT_MS: "10" };
  const child: ChildProcess = spawn(process.execPath, [join(HOME, "examples", name)], {
    cwd: HOME,
    env: { ...process.env, ...own, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const run: Run = { lines: [], logged: [] };
  child.stdout?.on("data", (chunk: Buffer) => run.lines.push(...chunk.toString().trim().split("\n")));
  child.stderr?.on("data", (chunk: Buffer) => run.logged.push(...chunk.toString().trim().split("\n")));
  return run;
}

for (const [type, server] of Object.entries(found)) {
  const reason = typeof server === "string" ? ` (${server})` : "";
  describe.skipIf(typeof server === "string")(`the examples beside a real ${type}${reason}`, () => {
    const database = server as DatabaseServer;
    afterAll(() => database.remove());

    test("gauge, notification and reconnect tell that it is killed and that it is back", async () => {
      await database.start();
      const told: string[] = [];
      const slack = createServer(async (request, response) => {
        told.push((JSON.parse(await text(request)) as { text: string }).text);
        response.end();
      });
      await new Promise<void>((resolve) => slack.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void slack.close());
      const address = slack.address() as { port: number };
      const hook = { SLACK_WEBHOOK_URL: `http://127.0.0.1:${address.port}/hook` };
      const gauge = runExample("health-gauge.mjs", database.url);
      const notify = runExample("health-notify.mjs", database.url, hook);
      const reconnect = runExample("health-reconnect.mjs", database.url);
      const series = `database_connection_status{environment="local",database_type="${type}"}`;

      const expectAt = (at: () => unknown, wanted: unknown) =>
        expect.poll(at, { timeout: LIMIT_MS, interval: 50 }).toEqual(wanted);
      await expectAt(() => gauge.lines.at(-1), `${series} 1`);
      await expectAt(() => reconnect.lines, [`${type}: connected`]);
      // Its first look has been told once all three have theirs.
      await database.kill();
      await expectAt(() => gauge.lines.at(-1), `${series} 0`);
      await expectAt(() => told.length, 1);
      await expectAt(() => reconnect.lines.at(-1), `${type}: given up after 3 retries`);
      await database.start();
      await expectAt(() => gauge.lines.at(-1), `${series} 1`);
      await expectAt(() => told.length, 2);
      await expectAt(() => reconnect.lines.at(-1), `${type}: connected`);
      expect(told).toEqual([
        expect.stringMatching(new RegExp(`^local: connection to ${type} failed: `)),
        `local: connected to ${type} again`,
      ]);
      expect(reconnect.lines).toEqual([
        `${type}: connected`,
        ...[1, 2, 3].map((retry) => `${type}: lost; retry ${retry} of 3`),
        `${type}: given up after 3 retries`,
        `${type}: connected`,
      ]);
      expect(JSON.stringify([told, gauge, notify, reconnect])).not.toContain(DATABASE_PASSWORD);
    });
  });
}

const mesh = (probes: string): string => `
mesh: probed
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen:
        publish: [infra.]
        subscribe: [infra.]
        probes:
          web: { type: tcp, urlEnv: WEB_URL, intervalMs: 200 }
${probes}
`;

interface Report {
  readonly healthy: boolean;
  readonly away: readonly { node: string; reason: string }[];
  readonly probes: readonly {
    node: string;
    app: string;
    probe: string;
    status: string;
    connection: string;
    error_message: string | null;
  }[];
}

describe("probes of a member", () => {
  const database = ofMember;
  let running: TestMesh;
  let web: ReturnType<typeof createServer>;

  beforeAll(async () => {
    web = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as { port: number };
    running = await TestMesh.start({ yaml: mesh(""), env: { WEB_URL: `tcp://127.0.0.1:${port}` } });
  });
  afterAll(async () => {
    web.close();
    await running.stop();
    if (typeof database !== "string") await database.remove();
  });

  const health = async (): Promise<[number, Report]> => {
    const { code, stdout } = await running.adaos(["health", "--json"]);
    return [code, JSON.parse(stdout) as Report];
  };
  const statusOf = async (name: string): Promise<string | undefined> =>
    (await health())[1].probes.find(({ probe }) => probe === name)?.status;
  const history = async (name: string): Promise<string[]> => {
    const { stdout } = await running.adaos(["health", "history", "--probe", name, "--json"]);
    const events = stdout.trim().split("\n").filter(Boolean);
    return events.map((line) => (JSON.parse(line) as { change: string }).change);
  };
  const untilStatus = (name: string, status: string): Promise<void> =>
    until(`${name} is ${status}`, async () => (await statusOf(name)) === status, LIMIT_MS);
  const untilTold = (name: string, count: number): Promise<void> =>
    until(`${name} has ${count} changes`, async () => (await history(name)).length >= count, LIMIT_MS);

  test("run in its daemon, and are told by health, history, slo, status and metrics", async () => {
    await untilStatus("web", "healthy");
    const [code, { healthy }] = await health();
    expect(code).toBe(healthy ? 0 : 69);
    await untilTold("web", 2);
    // A loaded machine may answer late; of connections nothing is told but what happened.
    const connections = (await history("web")).filter((one) => one === "established" || one === "failed");
    expect(connections).toEqual(["established"]);
    const { statusUrl } = JSON.parse(readFileSync(runFilePath(running.state, "alpha/kitchen"), "utf8")) as {
      statusUrl: string;
    };
    const scraped = await (await fetch(`${statusUrl}/metrics`)).text();
    const labels = 'probe="web",environment="local",database_type="tcp"';
    expect(scraped).toContain(`adaos_probe_connected{${labels}} 1`);
    expect(scraped.match(new RegExp(`adaos_probe_status{${labels},status="\\w+"} 1`, "g"))).toHaveLength(1);
    // Members tell what they have counted each ten seconds.
    let slo: Record<string, unknown> = {};
    await until(
      "looks are counted",
      async () => {
        const { code: judged, stdout } = await running.adaos(["slo", "--json"]);
        if (stdout === "") return false;
        slo = JSON.parse(stdout) as typeof slo;
        return judged === (slo["met"] === true ? 0 : 69);
      },
      LIMIT_MS,
    );
    expect(slo).toMatchObject({ node: "alpha/kitchen", probe: "web", failed: 0, target_ms: 200 });
  });

  test("of a program are told by health too, until it ends; a hub that does not answer is told of", async () => {
    const program = await running.connect("alpha/kitchen", { component: "shop" });
    await program.probe("orders", { type: "tcp", url: "tcp://127.0.0.1:1", intervalMs: 200 });
    await untilStatus("orders", "unhealthy");
    const [code, { probes }] = await health();
    expect(code).toBe(69);
    const told = probes.filter(({ probe }) => probe === "orders");
    expect(told).toMatchObject([{ node: "alpha/kitchen", app: "adaos-shop", connection: "failed" }]);
    const { stdout } = await running.adaos(["health"]);
    expect(stdout).toMatch(/orders +tcp +local +UNHEALTHY.*by adaos-shop: connect ECONNREFUSED/);
    await program.close();
    await until("it is gone", async () => (await statusOf("orders")) === undefined);
    // What the daemon probes is told once, though it reports to the hub as well.
    expect((await health())[1].probes.map(({ probe }) => probe)).toEqual(["web"]);
    const thaw = running.freeze("nats-alpha");
    try {
      const [asked, { healthy, probes: known, away }] = await health();
      expect([asked, healthy, known.map(({ probe }) => probe)]).toEqual([69, false, ["web"]]);
      expect(away).toMatchObject([{ node: "alpha/hub", reason: expect.stringContaining("does not answer") }]);
    } finally {
      thaw();
    }
  });

  test.skipIf(typeof database === "string")(
    `follow the mesh file, and tell one event a change of a real redis${typeof database === "string" ? ` (${database})` : ""}`,
    async () => {
      const redis = database as DatabaseServer;
      await redis.start();
      const urlFile = join(running.dir, "redis-url");
      writeFileSync(urlFile, `${redis.url}\n`, { mode: 0o600 });
      running.configure(
        mesh(
          "          cache: { type: redis, urlFile: redis-url, environment: Staging, intervalMs: 200, timeoutMs: 2000 }",
        ),
      );
      const applied = await running.adaos(["policy", "apply", "--config", running.configFile, "--yes"]);
      expect([applied.code, applied.stderr]).toEqual([0, expect.any(String)]);
      await untilStatus("cache", "healthy");
      await redis.kill();
      await untilStatus("cache", "unhealthy");
      expect((await health())[0]).toBe(69);
      const status = await running.adaos(["status"]);
      expect([status.code, status.stdout]).toEqual([0, expect.stringContaining("probe cache is unhealthy")]);
      await redis.start();
      await untilStatus("cache", "healthy");
      await untilTold("cache", 6);
      const changes = await history("cache");
      expect(changes.filter((change) => change === "established" || change === "failed")).toEqual([
        "established",
        "failed",
        "established",
      ]);
      const log = readFileSync(logFilePath(running.state, "alpha/kitchen"), "utf8");
      const lines = log.split("\n").filter((line) => line.includes('"cache"'));
      const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const failed = told.filter(({ event }) => event === "Database connection failed");
      expect(failed).toHaveLength(1);
      expect(failed[0]).toMatchObject({ level: "error", app: "adaos-daemon", environment: "staging" });
      expect(failed[0]?.["err"]).toHaveProperty("stack");
      expect(told.filter(({ event }) => event === "Database connection established")).toHaveLength(2);
      const { stdout: shown } = await running.adaos(["health", "history"]);
      const { stdout: tail } = await running.adaos([
        "events",
        "tail",
        "infra.",
        "--since",
        "1h",
        "--json",
        "--count",
        "4",
        "--at",
        "alpha",
      ]);
      expect(shown + tail + log).not.toContain(DATABASE_PASSWORD);
    },
  );
});
