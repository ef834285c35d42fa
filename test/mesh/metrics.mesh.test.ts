import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { NonRetryableError, RetryableError } from "@adaos/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestMesh, until } from "../kit/mesh.ts";
import { parseExposition, type ReadSample, readValue } from "../kit/parse-exposition.ts";

const YAML = `
mesh: metrics
registry: ../schemas/events
subnets:
  alpha:
    export: [scenario.]
    members:
      kitchen: { publish: [ui., scenario.] }
      speaker: { subscribe: [ui.] }
  beta:
    import: [scenario.completed]
    members:
      desk: { publish: [ui.], subscribe: [ui.] }
`;
const RETRY = { baseMs: 20, factor: 1, jitter: 0, maxRetries: 2 } as const;

const ACCEPT = {
  text: "text/plain",
  openmetrics: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
};

interface ScrapeTarget {
  readonly targets: readonly [address: string];
  readonly labels: { readonly mesh: string; readonly daemon: string };
}

/** Of the version of the registry. */
function labelOf(samples: readonly ReadSample[] = [], label: string): string | undefined {
  return samples.find(({ name }) => name === "adaos_registry_info")?.labels[label];
}

describe("metrics, on a real mesh", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await TestMesh.start({ yaml: YAML });
  });
  afterAll(async () => {
    await mesh.stop();
  });

  const targetsFile = (): string => join(mesh.dir, "targets.json");
  const readTargets = () => JSON.parse(readFileSync(targetsFile(), "utf8")) as readonly ScrapeTarget[];

  async function scrape(daemon: string, format: "text" | "openmetrics"): Promise<readonly ReadSample[]> {
    const address = readTargets().find(({ labels }) => labels.daemon === daemon)?.targets[0];
    const response = await fetch(`http://${address}/metrics`, { headers: { accept: ACCEPT[format] } });
    expect([daemon, response.status]).toEqual([daemon, 200]);
    return parseExposition(await response.text(), format);
  }

  /** The events of members in alpha's stream, and all messages there: hub and root publish events of their own. */
  async function countAlpha(): Promise<[ofMembers: number, all: number]> {
    return mesh.asService("alpha", async (nc) => {
      const { streams } = await nc.jetstreamManager();
      const { state } = await streams.info("EVENTS_alpha", { subjects_filter: ">" });
      const subjects = Object.entries(state.subjects ?? {});
      const ofMembers = subjects.filter(([subject]) => !/^evt\.alpha\.(hub|root)\./.test(subject));
      return [ofMembers.reduce((sum, [, count]) => sum + count, 0), state.messages];
    });
  }

  async function metrics(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await mesh.ask(["events", "metrics", "--json", ...args]);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  test("counts outcomes, categories, types, retries and latency of what really happened", async () => {
    const kitchen = await mesh.connect("alpha/kitchen");
    const speaker = await mesh.connect("alpha/speaker");
    const attempts = new Map<string, number>();
    await speaker.subscribe("ui.notify", { durable: "screen", retry: RETRY }, async ({ event_id, data }) => {
      const attempt = (attempts.get(event_id) ?? 0) + 1;
      attempts.set(event_id, attempt);
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (data.text === "flaky" && attempt === 1) throw new RetryableError("not yet");
      if (data.text === "wrong") throw new NonRetryableError("no such screen");
      if (data.text === "spent") throw new RetryableError("still not");
    });
    const texts = ["good", "good", "good", "flaky", "wrong", "spent"];
    for (const text of texts) await kitchen.publish("ui.notify", { text });
    await expect(kitchen.publish("ui.notify", { text: 7 as unknown as string })).rejects.toMatchObject({
      code: "invalid-event",
    });
    await until("all have ended", () => speaker.stats.handled === 4 && speaker.stats.deadLettered === 2);
    // A bus tells what it counted when it is closed, at the latest.
    await Promise.all([kitchen.close(), speaker.close()]);
    const summary = await metrics("--at", "alpha");
    expect(summary).toMatchObject({
      published: 6,
      publish_failures: { "invalid-event": 1 },
      outcomes: { total: 6, success: 4, failed: 1, dead_letter: 1 },
      success_after_retry: 1,
      repeated: 0,
      held: 0,
      by_category: { transient: 4, permanent: 1 },
      by_type: { RetryableError: 4, NonRetryableError: 1 },
      retries: { total: 3, avg: 1.5, max: 2 },
      handling_ms: { count: 9 },
      age_ms: { count: 6 },
    });
    const latency = summary["handling_ms"] as Record<"min" | "p50" | "p95" | "p99" | "max" | "avg", number>;
    expect(latency.min).toBeGreaterThanOrEqual(29);
    expect(latency.p50).toBeGreaterThanOrEqual(latency.min);
    expect(latency.p95).toBeGreaterThanOrEqual(latency.p50);
    expect(latency.max).toBeGreaterThanOrEqual(latency.p99);
    const hours = Object.values(summary["by_hour"] as Record<string, { total: number; published: number }>);
    expect(hours.reduce((sum, { total }) => sum + total, 0)).toBe(6);
    const text = await mesh.ask(["events", "metrics", "--at", "alpha"]);
    expect(text.stdout).toMatch(/Success +4 +66\.67 %/);
    expect(text.stdout).toMatch(/Failed +1 +16\.67 % *\n.*\n +DLQ +1 +16\.67 %/);
    expect((await metrics("--node", "alpha/speaker"))["published"]).toBe(0);
    expect((await metrics("--at", "beta"))["outcomes"]).toMatchObject({ total: 0 });
  });

  test("are written for a collector, whole and by the names of the catalogue", async () => {
    const file = join(mesh.dir, "metrics.prom");
    for (const _ of [1, 2]) {
      const written = await mesh.ask(["events", "prometheus", "--output", file]);
      expect(written.code).toBe(0);
    }
    const text = readFileSync(file, "utf8");
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const process = 'process="[a-z0-9]+-[0-9a-f]{8}"';
    const own = `node="alpha/speaker",${process},durable="screen"`;
    for (const line of [
      `adaos_events_settled_total{${own},outcome="failed"} 1`,
      `adaos_handling_duration_seconds_count{${own}} 9`,
      `adaos_publish_failures_total{node="alpha/kitchen",${process},code="invalid-event"} 1`,
    ]) {
      expect(text).toMatch(new RegExp(`^${line}$`, "m"));
    }
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) adaos_\w+ .+|adaos_\w+\{[^\n]*\} [0-9.e+-]+)$/);
    }
    const same = await mesh.ask(["events", "prometheus", "--output", "-"]);
    expect(same.stdout).toBe(text);
  });

  test("are scraped at every daemon, in both formats, all processes of a node as one", async () => {
    const written = await mesh.ask(["metrics", "targets", "--output", targetsFile()]);
    expect([written.code, written.stderr]).toEqual([0, `${targetsFile()}: 7 daemons\n`]);
    const targets = readTargets();
    const daemons = [
      "supervisor",
      "root",
      "alpha/hub",
      "alpha/kitchen",
      "alpha/speaker",
      "beta/hub",
      "beta/desk",
    ];
    expect(targets.map(({ labels }) => labels)).toEqual(
      expect.arrayContaining(daemons.map((daemon) => ({ mesh: "metrics", daemon }))),
    );
    const scraped = new Map<string, readonly ReadSample[]>();
    const [membersEvents, least] = await countAlpha();
    for (const { labels } of targets) {
      for (const format of ["text", "openmetrics"] as const)
        scraped.set(`${labels.daemon} ${format}`, await scrape(labels.daemon, format));
    }
    const value = (daemon: string, name: string, labels?: Readonly<Record<string, string>>) =>
      readValue(scraped.get(`${daemon} openmetrics`) ?? [], name, labels);
    for (const daemon of daemons) {
      expect([daemon, value(daemon, "adaos_node_ready")]).toEqual([daemon, 1]);
      expect(value(daemon, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
      expect(value(daemon, "nodejs_heap_size_used_bytes")).toBeGreaterThan(1e6);
      const unready = (scraped.get(`${daemon} text`) ?? []).filter(
        ({ name, value }) => name === "adaos_scrape_source_ready" && value !== 1,
      );
      expect([daemon, unready]).toEqual([daemon, []]);
    }
    const node = "alpha/speaker";
    expect(value("alpha/hub", "adaos_events_settled_total", { node, outcome: "failed" })).toBe(1);
    expect(value("alpha/hub", "adaos_handling_duration_seconds_count", { node })).toBe(9);
    expect(value("alpha/hub", "adaos_dead_letters")).toBe(2);
    expect(value("alpha/hub", "adaos_stream_messages", { stream: "DLQ_alpha" })).toBe(2);
    const [, most] = await countAlpha();
    expect(membersEvents).toBe(6);
    const held = value("alpha/hub", "adaos_stream_messages", { stream: "EVENTS_alpha" }) ?? 0;
    expect([held >= least, held <= most]).toEqual([true, true]);
    expect(value("alpha/hub", "adaos_durable_pending_events", { node, durable: "screen" })).toBe(0);
    expect(value("alpha/hub", "adaos_durable_unsettled_events", { node, durable: "screen" })).toBe(0);
    expect(value("alpha/hub", "adaos_server_info")).toBe(1);
    expect(value("root", "adaos_server_connections")).toBeGreaterThan(0);
    expect(value("root", "adaos_stream_messages", { stream: "MESH" })).toBe(0);
    expect(value("supervisor", "adaos_process_up", { process: node })).toBe(1);
    expect(value("supervisor", "adaos_process_restarts_total", { process: "root" })).toBe(0);
    expect(value("alpha/kitchen", "adaos_outbox_events")).toBe(0);
    expect(value("alpha/kitchen", "adaos_disk_outbox_events")).toBe(0);
    // Of a program that has ended.
    expect(value("alpha/speaker", "adaos_disk_marks_bytes")).toBeGreaterThan(0);
    const versions = new Set(
      daemons.slice(1).map((daemon) => labelOf(scraped.get(`${daemon} text`), "hash")),
    );
    expect([...versions]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test("tell how far links are", async () => {
    const kitchen = await mesh.connect("alpha/kitchen", { metrics: false });
    for (const name of ["one", "two", "three"])
      await kitchen.publish("scenario.completed", { name, status: "succeeded" });
    await kitchen.close();
    await until("both links have carried them", async () => {
      const root = await scrape("root", "text");
      const carried = ["up alpha", "down beta"].map((link) => {
        const [direction = "", subnet = ""] = link.split(" ");
        return readValue(root, "adaos_link_carried_total", { direction, subnet });
      });
      return carried.every((count) => count === 3);
    });
    await until("neither has anything left", async () => {
      const hub = await scrape("alpha/hub", "text");
      const root = await scrape("root", "text");
      return (
        readValue(hub, "adaos_link_lag_events", { subnet: "alpha", direction: "up" }) === 0 &&
        readValue(hub, "adaos_link_lag_seconds", { subnet: "alpha", direction: "up" }) === 0 &&
        readValue(root, "adaos_link_lag_events", { subnet: "beta", direction: "down" }) === 0 &&
        readValue(root, "adaos_link_ready", { subnet: "beta", direction: "down" }) === 1 &&
        readValue(root, "adaos_link_stands_by", { subnet: "beta", direction: "down" }) === 0 &&
        readValue(root, "adaos_stream_messages", { stream: "MESH" }) === 3
      );
    });
  });

  test("leave out what is no snapshot, whoever wrote it", async () => {
    const before = await metrics();
    const bad = ["{", "[]", '{"instance":"x"}', '{"instance":"x","hour":"now","counters":[["nope",[],1]]}'];
    await mesh.asService("alpha", async (nc) => {
      for (const [i, body] of bad.entries()) {
        await nc.jetstream().publish(`met.alpha.speaker.bad${i}.2026-11-21T12`, body);
      }
    });
    expect(await metrics()).toEqual(before);
  });

  test("are not counted where they are turned off, and all else works", async () => {
    const desk = await mesh.connect("beta/desk", { metrics: false });
    let handled = 0;
    await desk.subscribe("ui.notify", { durable: "d" }, () => void handled++);
    await desk.publish("ui.notify", { text: "uncounted" });
    await until("it was handled", () => handled === 1);
    await desk.close();
    // The member's daemon counts what it sees; nothing was published by it.
    expect((await metrics("--at", "beta"))["published"]).toBe(0);
  });
});
