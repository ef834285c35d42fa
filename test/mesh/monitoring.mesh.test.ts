import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { get, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NonRetryableError, RetryableError } from "@adaos/client";
import { makeCertificate } from "@adaos/provision";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { freePort } from "../kit/free-port.ts";
import { HOME, TestMesh, until } from "../kit/mesh.ts";
import { check, type MonitoringTools, monitoringTools, ToolProcess } from "../kit/monitoring-tools.ts";

/*
 * What deploy/ gives to Prometheus, Alertmanager and Grafana, held against the real programs.
 */

const found = await monitoringTools();
const isMissing = typeof found === "string";
if (isMissing) console.info(`left out: ${found}`);
const tools = found as MonitoringTools;

const DEPLOY = join(HOME, "deploy");
const HOUR_MS = 3_600_000;
const RETRY = { baseMs: 20, factor: 1, jitter: 0, maxRetries: 1 } as const;

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

function dashboards(): readonly Dashboard[] {
  const dir = join(DEPLOY, "grafana/dashboards");
  return readdirSync(dir).map((file) => JSON.parse(readFileSync(join(dir, file), "utf8")) as Dashboard);
}

describe.skipIf(isMissing)("the files of deploy/, as their programs see them", () => {
  test("rules and config of Prometheus are right, and each alert is raised when it should be", async () => {
    const dir = join(DEPLOY, "prometheus");
    const rules = readdirSync(join(dir, "rules")).map((file) => `rules/${file}`);
    expect(await check(tools.promtool, ["check", "rules", ...rules], dir)).toMatch(/SUCCESS/);
    expect(await check(tools.promtool, ["check", "config", "prometheus.yaml"], dir)).toMatch(/SUCCESS/);
    const tests = readdirSync(join(dir, "tests")).map((file) => `tests/${file}`);
    expect(await check(tools.promtool, ["test", "rules", ...tests], dir)).toMatch(/SUCCESS/);
  });

  test("every alert has a case in which it is raised", () => {
    const { groups } = parse(readFileSync(join(DEPLOY, "prometheus/rules/adaos-alerts.yaml"), "utf8")) as {
      groups: { rules: { alert: string }[] }[];
    };
    const dir = join(DEPLOY, "prometheus/tests");
    const cases = readdirSync(dir)
      .map((file) => readFileSync(join(dir, file), "utf8"))
      .join("");
    const names = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(names.filter((name) => !new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`).test(cases))).toEqual(
      [],
    );
  });

  test("the config of Alertmanager is right", async () => {
    const dir = join(DEPLOY, "alertmanager");
    expect(await check(tools.amtool, ["check-config", "alertmanager.yaml"], dir)).toMatch(/SUCCESS/);
  });
});

/** The status with which a node answers a collector of another machine. */
function askOverTls(port: number, options: RequestOptions): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: "localhost", port, path: "/metrics", agent: false, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).once("error", reject);
  });
}

/** Takes what Slack, Discord and others would be sent, by path. */
class WebhookStub {
  readonly bodies: { readonly path: string; readonly body: Record<string, unknown> }[] = [];
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      this.bodies.push({ path: request.url ?? "", body });
      response.end("ok");
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was sent there of an alert, as text. */
  sent(path: string, ...words: readonly string[]): string | undefined {
    return this.bodies
      .filter((sent) => sent.path.startsWith(path))
      .map(({ body }) => JSON.stringify(body))
      .find((text) => words.every((word) => text.includes(word)));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe.skipIf(isMissing)(
  "Prometheus and Alertmanager beside a mesh that runs",
  { timeout: 240_000 },
  () => {
    const token = "0123456789abcdef0123456789abcdef";
    const stub = new WebhookStub();
    let dir: string;
    let mesh: TestMesh;
    let ports: readonly number[];
    let client: { readonly ca: string; readonly cert: string; readonly key: string };
    let prometheus: ToolProcess;
    let alertmanager: ToolProcess;

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "adaos-monitoring-"));
      ports = [await freePort(), await freePort()];
      const issuer = await makeCertificate({ name: "CA", validMs: HOUR_MS });
      const request = { name: "hub", hosts: ["localhost"], validMs: HOUR_MS, issuer };
      const { certificate, key } = await makeCertificate(request);
      const collector = await makeCertificate({ name: "collector", validMs: HOUR_MS, issuer });
      client = { ca: issuer.certificate, cert: collector.certificate, key: collector.key };
      writeFileSync(join(dir, "ca.pem"), issuer.certificate);
      writeFileSync(join(dir, "client.pem"), collector.certificate);
      writeFileSync(join(dir, "client.key"), collector.key);
      writeFileSync(join(dir, "hub.pem"), certificate);
      writeFileSync(join(dir, "hub.key"), key, { mode: 0o600 });
      writeFileSync(join(dir, "token"), `${token}\n`, { mode: 0o600 });
      // An empty file is a database of SQLite.
      writeFileSync(join(dir, "files.db"), "");
      mesh = await TestMesh.start({ yaml: meshYaml() });
      const url = await stub.start();
      alertmanager = await startAlertmanager(url);
      prometheus = await startPrometheus();
    }, 240_000);
    afterAll(async () => {
      stub.stop();
      await Promise.all([prometheus?.stop(), alertmanager?.stop()]);
      await mesh?.stop();
      rmSync(dir, { recursive: true, force: true });
    });

    function meshYaml(): string {
      return `
mesh: watched
registry: ../schemas/events
tls: development
metrics:
  host: localhost
  tokenFile: ${dir}/token
  tls: { cert: ${dir}/hub.pem, key: ${dir}/hub.key }
subnets:
  alpha:
    export: [scenario.]
    metrics: { port: ${ports[0]} }
    members:
      kitchen:
        publish: [ui., scenario.]
        probes: { files: { type: sqlite, url: "${dir}/files.db", intervalMs: 500, timeoutMs: 20000 } }
        metrics:
          port: ${ports[1]}
          tls: { cert: ${dir}/hub.pem, key: ${dir}/hub.key, clientCa: ${dir}/ca.pem }
      speaker: { subscribe: [ui.] }
  beta:
    import: [scenario.completed]
    members:
      desk: { subscribe: [scenario.] }
`;
    }

    async function startAlertmanager(url: string): Promise<ToolProcess> {
      const place = join(dir, "alertmanager");
      mkdirSync(place);
      let config = readFileSync(join(DEPLOY, "alertmanager/alertmanager.yaml"), "utf8");
      for (const name of ["slack", "discord", "webhook"]) {
        writeFileSync(join(place, `${name}-url`), `${url}/${name}`, { mode: 0o600 });
        config = config.replace(`/etc/adaos/${name}-url`, join(place, `${name}-url`));
      }
      config = config
        .replace(/group_wait: .*/, "group_wait: 1s")
        .replace(/group_interval: .*/, "group_interval: 1s");
      writeFileSync(join(place, "alertmanager.yaml"), config);
      const template = readFileSync(join(DEPLOY, "alertmanager/adaos.tmpl"), "utf8");
      writeFileSync(join(place, "adaos.tmpl"), template);
      const port = await freePort();
      const flags = ["--config.file=alertmanager.yaml", "--storage.path=data", "--cluster.listen-address="];
      return ToolProcess.start([...tools.before, tools.alertmanager, ...flags], port, place);
    }

    /** With the rules as they are, but for the time that something must be so. */
    async function startPrometheus(): Promise<ToolProcess> {
      const place = join(dir, "prometheus");
      mkdirSync(join(place, "rules"), { recursive: true });
      mkdirSync(join(place, "targets"));
      for (const file of readdirSync(join(DEPLOY, "prometheus/rules"))) {
        const rules = readFileSync(join(DEPLOY, "prometheus/rules", file), "utf8");
        writeFileSync(join(place, "rules", file), rules.replaceAll(/for: \w+$/gm, "for: 1s"));
      }
      const config = parse(readFileSync(join(DEPLOY, "prometheus/prometheus.yaml"), "utf8"));
      config.global = { scrape_interval: "1s", evaluation_interval: "1s" };
      config.alerting.alertmanagers[0].static_configs[0].targets = [alertmanager.url.slice("http://".length)];
      config.scrape_configs.push({
        job_name: "elsewhere",
        scrape_interval: "1s",
        authorization: { credentials_file: join(dir, "token") },
        tls_config: {
          ca_file: join(dir, "ca.pem"),
          cert_file: join(dir, "client.pem"),
          key_file: join(dir, "client.key"),
        },
        file_sd_configs: [{ files: ["remote.json"] }],
      });
      writeFileSync(join(place, "prometheus.yaml"), stringify(config));
      for (const args of [[join(place, "targets/here.json")], [join(place, "remote.json"), "--remote"]]) {
        const written = await mesh.adaos(["metrics", "targets", "--output", ...args]);
        expect([written.code, args]).toEqual([0, args]);
      }
      const port = await freePort();
      const flags = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data"];
      return ToolProcess.start([tools.prometheus, ...flags], port, place);
    }

    async function query(expr: string): Promise<readonly (readonly [labels: string, value: number])[]> {
      const response = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
      const { status, error, data } = (await response.json()) as {
        status: string;
        error?: string;
        data: { result: { metric: object; value: [number, string] }[] };
      };
      if (status !== "success") throw new Error(`${expr}: ${error}`);
      return data.result.map(({ metric, value }) => [JSON.stringify(metric), Number(value[1])] as const);
    }

    /** A little of everything: handled, failed, retried, given up, refused by policy and by a link. */
    async function traffic(round: number): Promise<void> {
      const [kitchen, speaker, desk] = await Promise.all(
        ["alpha/kitchen", "alpha/speaker", "beta/desk"].map((member) =>
          mesh.connect(member, { waitForServer: true }),
        ),
      );
      if (kitchen === undefined || speaker === undefined || desk === undefined) return;
      let handled = 0;
      const seen = new Set<string>();
      await speaker.subscribe(
        "ui.notify",
        { durable: "screen", retry: RETRY },
        async ({ event_id, data }) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (data.text === "wrong") throw new NonRetryableError("no such screen");
          const isFirst = !seen.has(event_id);
          seen.add(event_id);
          if (data.text === "flaky" && isFirst) throw new RetryableError("not yet");
        },
      );
      await desk.subscribe("scenario.completed", { durable: "log" }, () => void handled++);
      for (const text of ["good", "flaky", "wrong"]) await kitchen.publish("ui.notify", { text });
      await kitchen.publish("scenario.completed", { name: `round ${round}`, status: "succeeded" });
      await kitchen.publish("nlp.intent.detected", {} as never).catch(() => undefined);
      const ended = (): number => speaker.stats.handled + speaker.stats.deadLettered;
      await until("all has been handled", () => ended() >= 3 && handled >= 1);
      await Promise.all([kitchen, speaker, desk].map((bus) => bus.close()));
    }

    test("every daemon is scraped, one of them over TLS with a token", async () => {
      await until("all are up", async () => {
        const up = await query("up");
        return up.length === 9 && up.every(([, value]) => value === 1);
      });
      const elsewhere = await query('adaos_node_info{job="elsewhere"}');
      expect(elsewhere.map(([labels]) => /"daemon":"([^"]+)"/.exec(labels)?.[1]).sort()).toEqual([
        "alpha/hub",
        "alpha/kitchen",
      ]);
      const [hub = 0, kitchen = 0] = ports;
      const { ca } = client;
      const authorization = `Bearer ${token}`;
      expect(await askOverTls(hub, { ca })).toBe(401);
      expect(await askOverTls(hub, { ca, headers: { authorization } })).toBe(200);
      await expect(askOverTls(kitchen, { ca, headers: { authorization } })).rejects.toThrow();
      expect(await askOverTls(kitchen, { ...client, headers: { authorization } })).toBe(200);
      await expect(fetch(`http://localhost:${hub}/metrics`)).rejects.toThrow();
    });

    test("every panel of every dashboard has figures", async () => {
      const panels = dashboards().flatMap(({ title: on, panels }) =>
        panels.flatMap(({ title, targets = [] }) =>
          targets.map(({ expr }) => ({ panel: `${on}: ${title}`, expr })),
        ),
      );
      expect(panels.length).toBeGreaterThan(50);
      const member = await mesh.openMember("alpha/kitchen");
      let empty: string[] = [];
      for (let round = 0; round < 12; round++) {
        await traffic(round);
        // What is no envelope is stored where it was sent, and refused by the link.
        member.nc.publish("evt.alpha.kitchen.scenario.completed.v1", "{}");
        const asked = await Promise.all(
          panels.map(async ({ panel, expr }) => {
            const text = expr.replaceAll(/\$(mesh|subnet)/g, ".+").replaceAll("$__rate_interval", "1m");
            const series = await query(text);
            return series.some(([, value]) => !Number.isNaN(value)) ? [] : [`${panel}: ${text}`];
          }),
        );
        empty = asked.flat();
        if (empty.length === 0) break;
      }
      await member.close();
      expect(empty).toEqual([]);
    });

    test("a link that is cut reaches Slack, Discord and a webhook, with cause, time and command", async () => {
      const goOn = mesh.freeze("nats-beta");
      const words = ["AdaosLinkDown", "A link of beta carries nothing", "adaos status"];
      try {
        for (const [path, extra] of [
          ["/slack", "Since 20"],
          ["/discord", "Since 20"],
          ["/webhook", '"startsAt":"20'],
        ] as const) {
          await until(`a body at ${path}`, () => stub.sent(path, extra, ...words) !== undefined, 90_000);
        }
      } finally {
        goOn();
      }
      expect(stub.bodies.find(({ path }) => path === "/slack")?.body).toHaveProperty("attachments");
      expect(stub.bodies.find(({ path }) => path === "/discord")?.body).toHaveProperty("embeds");
      expect(stub.bodies.find(({ path }) => path === "/webhook")?.body).toHaveProperty("alerts");
      await until(
        "its end is told too",
        () => stub.sent("/slack", "[RESOLVED] AdaosLinkDown") !== undefined,
        90_000,
      );
    });
  },
);
