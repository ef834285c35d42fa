import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";

interface Got {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly isSigned: boolean;
}

const SECRET = "a key of the test";

let dir: string;
let mesh: TestMesh;
let server: Server;
const got: Got[] = [];
/** What the generic webhook answers. */
let status = 200;
let refused = 0;

const yaml = (): string => `
mesh: alarmed
registry: ../schemas/events
streams: { maxBytes: 1048576 }
alerts:
  everySeconds: 1
  gatherSeconds: 0.2
  messagesPerMinute: 60
  rules:
    linkDown: { forSeconds: 4, clearSeconds: 1 }
    restartsInVain: { clearSeconds: 1 }
    streamNearlyFull: { threshold: 0.4, clearSeconds: 1 }
    configBroken: { forSeconds: 1 }
    outboxGrows: { forSeconds: 1, clearSeconds: 1 }
  webhooks:
    chat: { kind: slack, urlFile: ${dir}/slack.url }
    game: { kind: discord, urlFile: ${dir}/discord.url, severities: [critical] }
    pager: { kind: generic, urlFile: ${dir}/generic.url, secretFile: ${dir}/generic.key }
subnets:
  alpha:
    export: [scenario.]
    members:
      kitchen: { publish: [ui., scenario.], subscribe: [ui., mesh.alert.] }
      speaker: { publish: [ui.], subscribe: [ui.] }
  beta:
    import: [scenario.]
    members: { desk: { subscribe: [scenario., mesh.alert.] } }
`;

interface Change {
  readonly event_id: string;
  readonly status: string;
  readonly alert: string;
  readonly node: string;
}

/** `raised x by y` of all that the generic webhook has taken: a hub that is killed may tell the same change again. */
function told(): string[] {
  const changes = got
    .filter(({ path }) => path === "/generic")
    .flatMap(({ body }) => body["alerts"] as Change[]);
  const byId = new Map(changes.map((change) => [change.event_id, change]));
  return [...byId.values()].map(({ status, alert, node }) => `${status} ${alert} by ${node}`);
}

const count = (line: string): number => told().filter((one) => one === line).length;
const untilTold = (line: string): Promise<void> => until(`told: ${line}`, () => count(line) > 0, 60_000);

async function alerts(...args: string[]): Promise<Record<string, string>[]> {
  const { stdout } = await mesh.adaos(["alerts", ...args, "--json"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, string>);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-alerts-"));
  server = createServer(async (request, response) => {
    const body = await text(request);
    const path = request.url ?? "";
    const code = path === "/generic" ? status : 200;
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const isSigned = request.headers["x-adaos-signature-256"] === `sha256=${signature}`;
    if (code === 200) got.push({ path, body: JSON.parse(body) as Got["body"], isSigned });
    else refused++;
    response.writeHead(code).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  for (const kind of ["slack", "discord", "generic"])
    writeFileSync(join(dir, `${kind}.url`), `http://127.0.0.1:${port}/${kind}\n`);
  writeFileSync(join(dir, "generic.key"), `${SECRET}\n`);
  mesh = await TestMesh.start({ yaml: yaml() });
});

afterAll(async () => {
  await mesh?.stop();
  server.closeAllConnections();
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

describe("alerts of a mesh that is well", () => {
  test("are none, though hubs and root judge", async () => {
    await until("all three judge", async () => {
      const judging = await Promise.all(
        ["root", "alpha", "beta"].map((of) =>
          mesh.monitor<object>(of, "JSZ", { accounts: true, streams: true }),
        ),
      );
      return judging.every((jsz) => JSON.stringify(jsz).includes('"ALERTS_'));
    });
    expect(await mesh.adaos(["alerts"])).toMatchObject({ code: 0, stdout: "", stderr: "no alerts\n" });
    expect(got).toEqual([]);
  });
});

describe("a fault", () => {
  const heard: string[] = [];

  beforeAll(async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    await kitchen.subscribe("mesh.alert.", { durable: "alerts" }, ({ event_name, data }) => {
      heard.push(`${event_name} ${(data as { alert: string }).alert}`);
    });
  });

  test("of a handler raises one alert for its dead letters, told by event and webhooks, across a restart", async () => {
    const speaker = await mesh.connect("alpha/speaker");
    await speaker.subscribe("ui.notify", { durable: "screen", retry: { maxRetries: 0 } }, () => {
      throw new TypeError("no screen for the secret text");
    });
    const kitchen = await mesh.connect("alpha/kitchen");
    const { eventId } = await kitchen.publish("ui.notify", { text: "one" });
    await untilTold("raised deadLetterCame by alpha/hub");
    await kitchen.publish("ui.notify", { text: "two" });
    const before = mesh.pid("alpha/hub");
    process.kill(before, "SIGKILL");
    await until("the hub judges again", async () => {
      if (!mesh.isReplaced("alpha/hub", before)) return false;
      return (await mesh.adaos(["status"])).code === 0;
    });
    await until("members hear of it", () => heard.includes("mesh.alert.raised deadLetterCame"));
    const [alert] = await alerts();
    expect(alert).toMatchObject({
      alert: "deadLetterCame",
      rule: "AdaosDeadLetterCame",
      severity: "warning",
      node: "alpha/hub",
      cause: expect.stringContaining(
        `alpha/speaker screen gave up ui.notify ${eventId} (permanent, TypeError)`,
      ),
      look: "adaos events dlq list --at alpha",
    });
    await mesh.adaos(["events", "dlq", "purge", "--older-than", "0", "--yes"]);
    await untilTold("cleared deadLetterCame by alpha/hub");
    await until("that is heard", () => heard.includes("mesh.alert.cleared deadLetterCame"));
    expect([count("raised deadLetterCame by alpha/hub"), heard.length]).toEqual([1, 2]);
    expect(JSON.stringify(got)).not.toContain("secret text");
  });

  test("of a hub's server raises one alert at the root, and clears it", async () => {
    const thaw = mesh.freeze("nats-beta");
    try {
      await untilTold("raised linkDown/beta by root");
    } finally {
      thaw();
    }
    await untilTold("cleared linkDown/beta by root");
    const desk = await mesh.connect("beta/desk");
    const names: string[] = [];
    await desk.subscribe("mesh.alert.", { durable: "alerts", startAt: "all" }, ({ event_name }) => {
      names.push(event_name);
    });
    await until("its subnet hears of both, in order", () => names.length === 2);
    expect(names).toEqual(["mesh.alert.raised", "mesh.alert.cleared"]);
  });

  test("of a process that ends again and again raises one alert, and of a broken file one", async () => {
    const nodeFile = join(mesh.state, "nodes/alpha/hub.json");
    const good = readFileSync(nodeFile, "utf8");
    writeFileSync(nodeFile, good.slice(0, -4));
    await untilTold("raised configBroken/alpha/hub by alpha/hub");
    writeFileSync(nodeFile, good);
    await untilTold("cleared configBroken/alpha/hub by alpha/hub");
    for (let kill = 0; kill < 4; kill++) {
      const before = mesh.pid("alpha/speaker");
      process.kill(before, "SIGKILL");
      if (kill < 3) await until("it is started again", () => mesh.isReplaced("alpha/speaker", before));
    }
    await untilTold("raised restartsInVain/alpha/speaker by alpha/hub");
    await untilTold("cleared restartsInVain/alpha/speaker by alpha/hub");
  });

  test("of an outbox that does not drain raises one alert", async () => {
    const nodeFile = join(mesh.state, "nodes/alpha/kitchen.json");
    const config = JSON.parse(readFileSync(nodeFile, "utf8")) as { server: { url: string } };
    config.server.url = "nats://127.0.0.1:1";
    const away = join(mesh.state, "nodes/alpha/kitchen-away.json");
    writeFileSync(away, JSON.stringify(config));
    const bus = await mesh.connect("alpha/kitchen", { config: away, waitForServer: true });
    const waiting = Array.from({ length: 150 }, (_, i) => bus.publish("ui.notify", { text: `${i}` }));
    await Promise.all(waiting);
    await untilTold("raised outboxGrows/alpha/kitchen by alpha/hub");
    rmSync(away);
  });

  test("that is silenced calls nobody until the silence ends, and then as long as nobody answers", async () => {
    const silence = [
      "alerts",
      "silence",
      "AdaosStreamNearlyFull",
      "--for",
      "1h",
      "--reason",
      "a test fills it",
    ];
    expect((await mesh.adaos(silence)).code).toBe(0);
    await mesh.asService("alpha", async (nc) => {
      // What nobody subscribes and no policy exports.
      for (const half of [1, 2])
        await nc
          .jetstream()
          .publish("evt.alpha.kitchen.fill.made.v1", "x".repeat(240_000), { msgID: `${half}` });
    });
    const line = "raised streamNearlyFull/EVENTS_alpha by alpha/hub";
    await until("it is raised", async () => {
      const raised = (await alerts()).find(({ alert }) => alert === "streamNearlyFull/EVENTS_alpha");
      return raised?.["silence_reason"] === "a test fills it";
    });
    expect(count(line)).toBe(0);
    status = 503;
    expect((await mesh.adaos(["alerts", "unsilence", "streamNearlyFull"])).code).toBe(0);
    await until("the webhook has refused it", () => refused > 0);
    status = 200;
    await untilTold(line);
    expect((await mesh.adaos(["alerts", "unsilence", "streamNearlyFull"])).code).toBe(64);
  });

  test("of which a webhook is told in vain is shown to who looks", async () => {
    status = 404;
    const good = readFileSync(mesh.configFile, "utf8");
    writeFileSync(mesh.configFile, good.replace("members:", "members: {"));
    await until("the broken mesh file is an alert", async () =>
      (await alerts()).some(({ alert }) => alert === "configBroken/supervisor"),
    );
    await until("that it was not delivered is told", async () =>
      (await mesh.adaos(["alerts"])).stderr.includes(
        "configBroken/supervisor to webhook-pager: webhook pager answers 404",
      ),
    );
    writeFileSync(mesh.configFile, good);
    status = 200;
    await untilTold("cleared configBroken/supervisor by root");
  });

  test("is one alert, each time: nothing else was told, and every history says the same", async () => {
    const raised = told().filter((line) => line.startsWith("raised "));
    expect(raised.toSorted()).toEqual([
      "raised configBroken/alpha/hub by alpha/hub",
      "raised deadLetterCame by alpha/hub",
      "raised linkDown/beta by root",
      "raised outboxGrows/alpha/kitchen by alpha/hub",
      "raised restartsInVain/alpha/speaker by alpha/hub",
      "raised streamNearlyFull/EVENTS_alpha by alpha/hub",
    ]);
    const history = (await alerts("--history")).filter(({ change }) => change === "raised");
    expect(history.map(({ alert }) => alert).toSorted()).toEqual(
      [...raised.map((line) => line.split(" ")[1]), "configBroken/supervisor"].toSorted(),
    );
    expect(got.filter(({ path }) => path === "/generic").every(({ isSigned }) => isSigned)).toBe(true);
    const texts = (path: string, key: string): string =>
      got
        .filter((one) => one.path === path)
        .map(({ body }) => String(body[key]))
        .join("\n");
    expect(texts("/slack", "text")).toContain("*warning* A dead letter came to alpha/hub");
    expect(texts("/discord", "content")).toContain("**critical** A link of beta carries nothing");
    expect(texts("/discord", "content")).not.toContain("dead letter");
  });
});
