import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { makeCertificate } from "@adaos/provision";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AlarmedMesh } from "../kit/alarmed-mesh.ts";
import { freePort } from "../kit/free-port.ts";
import { type TestMesh, until } from "../kit/mesh.ts";

/** A loaded machine answers late, and that is no fault here. */
const LENIENT = "degradedMs: 60000, unhealthyMs: 60000, timeoutMs: 30000";
const DAY_MS = 86_400_000;
/** Rounds of a second: as many as in a quarter of an hour by the default. */
const QUIET_MS = 60_000;

const alarmed = new AlarmedMesh();
const { dir } = alarmed;
let mesh: TestMesh;
/** What `alpha/kitchen` probes. */
let till: Server;
/** Answers after so long. */
let shop: Server;
let shopTakesMs = 0;

/** @param port Where collectors of other machines would scrape `beta/hub`. */
const yaml = (port: number): string => `
mesh: alarmed
registry: ../schemas/events
streams: { maxBytes: 1048576 }
alerts:
  everySeconds: 1
  gatherSeconds: 0.2
  messagesPerMinute: 60
  rules:
    linkDown: { forSeconds: 12, clearSeconds: 1 }
    rootUnreachable: { forSeconds: 10, clearSeconds: 1 }
    linkLagging: { threshold: 10, forSeconds: 1, clearSeconds: 1 }
    restartsInVain: { clearSeconds: 1 }
    streamNearlyFull: { threshold: 0.4, clearSeconds: 1 }
    configBroken: { forSeconds: 1 }
    outboxGrows: { forSeconds: 1, clearSeconds: 1 }
    clockOff: { forSeconds: 1, clearSeconds: 1 }
    probeUnhealthy: { forSeconds: 1, clearSeconds: 1 }
    probeSloBurns: { threshold: 10, forSeconds: 1, clearSeconds: 1 }
  webhooks:
    chat: { kind: slack, urlFile: ${dir}/slack.url }
    game: { kind: discord, urlFile: ${dir}/discord.url, severities: [critical] }
    pager: { kind: generic, urlFile: ${dir}/generic.url, secretFile: ${dir}/generic.key }
subnets:
  alpha:
    export: [scenario.]
    members:
      kitchen:
        publish: [ui., scenario., infra.]
        subscribe: [ui., mesh.alert.]
        probes: { till: { type: tcp, urlFile: ${dir}/till.url, intervalMs: 300, ${LENIENT} } }
      speaker: { publish: [ui.], subscribe: [ui.] }
  beta:
    import: [scenario.]
    metrics: { port: ${port}, host: localhost, tokenFile: ${dir}/token, tls: { cert: ${dir}/hub.pem, key: ${dir}/hub.key } }
    members: { desk: { publish: [infra.], subscribe: [scenario., mesh.alert.] } }
`;

const count = (line: string): number => alarmed.count(line);
const untilTold = (line: string): Promise<void> => alarmed.untilTold(line);

function listen(server: Server, port = 0): Promise<number> {
  return new Promise((resolve) =>
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
}

/** Writes a certificate for the scrapes of `beta/hub`. */
async function certify(validMs: number): Promise<void> {
  const { certificate, key } = await makeCertificate({ name: "hub", hosts: ["localhost"], validMs });
  writeFileSync(join(dir, "hub.pem"), certificate);
  writeFileSync(join(dir, "hub.key"), key, { mode: 0o600 });
}

beforeAll(async () => {
  till = createServer();
  shop = createServer((_, response) => void setTimeout(() => response.end(), shopTakesMs));
  writeFileSync(join(dir, "till.url"), `tcp://127.0.0.1:${await listen(till)}\n`);
  writeFileSync(join(dir, "token"), "0123456789abcdef0123456789abcdef\n", { mode: 0o600 });
  await certify(90 * DAY_MS);
  await alarmed.start(yaml(await freePort()));
  mesh = alarmed.mesh;
});

afterAll(async () => {
  await alarmed.stop();
  for (const server of [till, shop]) {
    server?.closeAllConnections();
    server?.close();
  }
});

describe("alerts of a mesh that is well", () => {
  test("are none in sixty rounds, though hubs and root judge and events flow", async () => {
    const isJudging = async (): Promise<boolean> => {
      const servers = await Promise.all(
        ["root", "alpha", "beta"].map((of) =>
          mesh.monitor<object>(of, "JSZ", { accounts: true, streams: true }),
        ),
      );
      return servers.every((jsz) => JSON.stringify(jsz).includes('"ALERTS_'));
    };
    await until("all three judge", isJudging);
    const kitchen = await mesh.connect("alpha/kitchen");
    const startMs = performance.now();
    let published = 0;
    await until(
      "a minute is over",
      async () => {
        const quietMs = performance.now() - startMs;
        if (published * 1000 < quietMs) {
          published++;
          await kitchen.publish("scenario.completed", { name: "quiet", status: "succeeded" });
        }
        return quietMs >= QUIET_MS || alarmed.got.length > 0;
      },
      2 * QUIET_MS,
    );
    expect(await mesh.ask(["alerts", "--history"])).toMatchObject({ code: 0, stdout: "" });
    expect(await mesh.ask(["alerts"])).toMatchObject({ code: 0, stdout: "", stderr: "no alerts\n" });
    expect(alarmed.got).toEqual([]);
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
    await alarmed.restart("alpha/hub");
    await until("the hub judges again", () => mesh.isReady());
    await until("members hear of it", () => heard.includes("mesh.alert.raised deadLetterCame"));
    const [alert] = await alarmed.alerts();
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
    await mesh.ask(["events", "dlq", "purge", "--older-than", "0", "--yes"]);
    await untilTold("cleared deadLetterCame by alpha/hub");
    await until("that is heard", () => heard.includes("mesh.alert.cleared deadLetterCame"));
    expect([count("raised deadLetterCame by alpha/hub"), heard.length]).toEqual([1, 2]);
    expect(JSON.stringify(alarmed.got)).not.toContain("secret text");
  });

  test("of a handler in another subnet raises one alert there, and one that goes on a second", async () => {
    const desk = await mesh.connect("beta/desk");
    await desk.subscribe("scenario.completed", { durable: "log", retry: { maxRetries: 0 } }, () => {
      throw new TypeError("no paper");
    });
    const kitchen = await mesh.connect("alpha/kitchen");
    const fail = () => kitchen.publish("scenario.completed", { name: "morning", status: "succeeded" });
    await fail();
    await untilTold("raised deadLetterCame by beta/hub");
    for (let more = 0; more < 20; more++) await fail();
    await untilTold("raised deadLettersGrow by beta/hub");
    await desk.close();
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
    await desk.subscribe("mesh.alert.", { durable: "alerts", startAt: "all" }, ({ event_name, data }) => {
      if ((data as { alert: string }).alert === "linkDown/beta") names.push(event_name);
    });
    await until("its subnet hears of both, in order", () => names.length === 2);
    expect(names).toEqual(["mesh.alert.raised", "mesh.alert.cleared"]);
  });

  test("of a link that carries nothing though it stands raises one alert", async () => {
    const pause = (until: Date) =>
      mesh.asService("root", async (nc) => {
        const jsm = await nc.jetstreamManager({ checkAPI: false });
        await jsm.consumers.pause("MESH", "to-beta", until);
      });
    await pause(new Date(Date.now() + 600_000));
    const kitchen = await mesh.connect("alpha/kitchen");
    await kitchen.publish("scenario.completed", { name: "held", status: "succeeded" });
    await untilTold("raised linkLagging/beta/down by root");
    await pause(new Date(0));
    await untilTold("cleared linkLagging/beta/down by root");
  });

  test("of the root's server raises one alert at each hub", async () => {
    const thaw = mesh.freeze("nats-root");
    try {
      await untilTold("raised rootUnreachable by alpha/hub");
      await untilTold("raised rootUnreachable by beta/hub");
    } finally {
      thaw();
    }
    await untilTold("cleared rootUnreachable by alpha/hub");
    await untilTold("cleared rootUnreachable by beta/hub");
    await until("the root judges again", () => mesh.isReady(), 60_000);
  });

  test("of a clock, a certificate, a timer and a store raises one alert each", async () => {
    await certify(3 * DAY_MS);
    await untilTold("raised certificateEnds/hub.pem by beta/hub");
    await certify(90 * DAY_MS);
    await untilTold("cleared certificateEnds/hub.pem by beta/hub");
    await alarmed.setClockAhead(30_000);
    await untilTold("raised clockOff/beta by root");
    await alarmed.setClockAhead(0);
    await untilTold("cleared clockOff/beta by root");
    await alarmed.missTimer();
    await untilTold("raised timerLate by alpha/hub");
    await mesh.asService("beta", async (nc) => (await nc.jetstreamManager()).streams.delete("EVENTS_beta"));
    await untilTold("raised storeDamaged/EVENTS_beta by beta/hub");
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

  test("of what is probed raises one alert: too slow, away for a daemon, away for a program", async () => {
    const program = await mesh.connect("alpha/kitchen", { component: "shop" });
    shopTakesMs = 400;
    const url = `http://127.0.0.1:${await listen(shop)}`;
    const lenient = { degradedMs: 60_000, unhealthyMs: 60_000, timeoutMs: 30_000 };
    await program.probe("shelf", { type: "http", url, intervalMs: 300, ...lenient });
    await untilTold("raised probeSloBurns/alpha/kitchen/shelf by alpha/hub");
    // Else what follows would burn too: its answers of the last minutes are missing.
    const file = readFileSync(mesh.configFile, "utf8");
    mesh.configure(file.replace(/probeSloBurns: .*/, "probeSloBurns: false"));
    expect((await mesh.ask(["policy", "apply", "--yes"])).code).toBe(0);
    await untilTold("cleared probeSloBurns/alpha/kitchen/shelf by alpha/hub");
    const { port } = till.address() as AddressInfo;
    till.closeAllConnections();
    await new Promise((resolve) => till.close(resolve));
    await untilTold("raised probeUnhealthy/alpha/kitchen/till by alpha/hub");
    const raised = (await alarmed.alerts()).find(
      ({ alert }) => alert === "probeUnhealthy/alpha/kitchen/till",
    );
    expect(raised).toMatchObject({ severity: "critical", look: "adaos health" });
    expect(raised?.["cause"]).toMatch(/^tcp of local, probed by adaos-daemon: connect ECONNREFUSED/);
    await listen(till, port);
    await untilTold("cleared probeUnhealthy/alpha/kitchen/till by alpha/hub");
    await program.probe("orders", { type: "tcp", url: "tcp://127.0.0.1:1", intervalMs: 300 });
    await untilTold("raised probeUnhealthy/alpha/kitchen/orders by alpha/hub");
    await program.close();
    await untilTold("cleared probeUnhealthy/alpha/kitchen/orders by alpha/hub");
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
      const raised = (await alarmed.alerts()).find(({ alert }) => alert === "streamNearlyFull/EVENTS_alpha");
      return raised?.["silence_reason"] === "a test fills it";
    });
    expect(count(line)).toBe(0);
    alarmed.status = 503;
    // The silence ends while nobody judges.
    const before = mesh.pid("alpha/hub");
    process.kill(before, "SIGKILL");
    expect((await mesh.adaos(["alerts", "unsilence", "streamNearlyFull"])).code).toBe(0);
    await until("the hub is started again", () => mesh.isReplaced("alpha/hub", before));
    await until("the webhook has refused it", () => alarmed.refused > 0);
    alarmed.status = 200;
    await untilTold(line);
    expect((await mesh.adaos(["alerts", "unsilence", "streamNearlyFull"])).code).toBe(64);
  });

  test("of which a webhook is told in vain is shown to who looks", async () => {
    alarmed.status = 404;
    const good = readFileSync(mesh.configFile, "utf8");
    writeFileSync(mesh.configFile, good.replace("members:", "members: {"));
    await until("the broken mesh file is an alert", async () =>
      (await alarmed.alerts()).some(({ alert }) => alert === "configBroken/supervisor"),
    );
    await until("that it was not delivered is told", async () =>
      (await mesh.ask(["alerts"])).stderr.includes(
        "configBroken/supervisor to webhook-pager: webhook pager answers 404",
      ),
    );
    writeFileSync(mesh.configFile, good);
    alarmed.status = 200;
    await untilTold("cleared configBroken/supervisor by root");
  });

  test("is one alert, each time: nothing else was told, and every history says the same", async () => {
    const raised = alarmed.told().filter((line) => line.startsWith("raised "));
    expect(raised.toSorted()).toEqual([
      "raised certificateEnds/hub.pem by beta/hub",
      "raised clockOff/beta by root",
      "raised configBroken/alpha/hub by alpha/hub",
      "raised deadLetterCame by alpha/hub",
      "raised deadLetterCame by beta/hub",
      "raised deadLettersGrow by beta/hub",
      "raised linkDown/beta by root",
      "raised linkLagging/beta/down by root",
      "raised outboxGrows/alpha/kitchen by alpha/hub",
      "raised probeSloBurns/alpha/kitchen/shelf by alpha/hub",
      "raised probeUnhealthy/alpha/kitchen/orders by alpha/hub",
      "raised probeUnhealthy/alpha/kitchen/till by alpha/hub",
      "raised restartsInVain/alpha/speaker by alpha/hub",
      "raised rootUnreachable by alpha/hub",
      "raised rootUnreachable by beta/hub",
      "raised storeDamaged/EVENTS_beta by beta/hub",
      "raised streamNearlyFull/EVENTS_alpha by alpha/hub",
      "raised timerLate by alpha/hub",
    ]);
    const history = (await alarmed.alerts("--history")).filter(({ change }) => change === "raised");
    expect(history.map(({ alert }) => alert).toSorted()).toEqual(
      [...raised.map((line) => line.split(" ")[1]), "configBroken/supervisor"].toSorted(),
    );
    expect(alarmed.got.filter(({ path }) => path === "/generic").every(({ isSigned }) => isSigned)).toBe(
      true,
    );
    const texts = (path: string, key: string): string =>
      alarmed.got
        .filter((one) => one.path === path)
        .map(({ body }) => String(body[key]))
        .join("\n");
    expect(texts("/slack", "text")).toContain("*warning* A dead letter came to alpha/hub");
    expect(texts("/discord", "content")).toContain("**critical** A link of beta carries nothing");
    expect(texts("/discord", "content")).not.toContain("dead letter");
  });
});
