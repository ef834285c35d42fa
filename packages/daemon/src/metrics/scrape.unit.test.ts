import { figureFamilies } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseExposition, readValue } from "../../../../test/kit/parse-exposition.ts";
import { type NodeStatus, startStatusServer } from "../status-server.ts";
import { type MetricSource, Scrape } from "./scrape.ts";

const HOST = "127.0.0.1";
const OPEN_METRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
const STATUS: NodeStatus = {
  node: "alpha/hub",
  role: "hub",
  pid: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  ready: false,
  parts: { stream: { ready: true }, "link up alpha": { ready: false, reason: "x" } },
};

describe("/metrics of a status server", () => {
  let sources: MetricSource[];
  let reads = 0;
  let server: Awaited<ReturnType<typeof startStatusServer>>;
  const start = async (): Promise<void> => {
    const scrape = new Scrape({
      status: () => STATUS,
      figures: () => [{ metric: "deadLetters", value: reads }],
      sources,
      sourceMs: 500,
    });
    server = await startStatusServer({ host: HOST, port: 0 }, () => STATUS, scrape);
  };
  const ask = (accept = "*/*"): Promise<Response> =>
    fetch(`http://${HOST}:${server.port}/metrics`, { headers: { accept } });

  beforeEach(() => {
    reads = 0;
    sources = [];
  });
  afterEach(() => server.stop());

  test.each([
    ["text", "*/*", "text/plain; version=0.0.4; charset=utf-8"],
    ["openmetrics", OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"],
  ] as const)("answers in %s what a strict reader takes", async (format, accept, contentType) => {
    await start();
    const response = await ask(accept);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, contentType]);
    const read = parseExposition(await response.text(), format);
    expect(readValue(read, "adaos_node_ready")).toBe(0);
    expect(readValue(read, "adaos_part_ready", { part: "stream" })).toBe(1);
    expect(readValue(read, "adaos_part_ready", { part: "link up alpha" })).toBe(0);
    expect(readValue(read, "adaos_scrape_source_ready", { source: "process" })).toBe(1);
    expect(readValue(read, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(readValue(read, "process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(readValue(read, "nodejs_version_info")).toBe(1);
  });

  test("asks a source once for scrapes of one moment, and again after a second", async () => {
    sources = [
      {
        name: "counted",
        read: async () => {
          reads++;
          return figureFamilies([{ metric: "parked", value: reads }]);
        },
      },
    ];
    await start();
    const texts = await Promise.all([1, 2, 3].map(async () => (await ask()).text()));
    expect(reads).toBe(1);
    expect(readValue(parseExposition(texts[0] ?? "", "text"), "adaos_parked_messages")).toBe(1);
    await expect
      .poll(async () => (await (await ask()).text()).includes("adaos_parked_messages 2"))
      .toBe(true);
  });

  test("leaves out a source that fails, says so, and tells all else", async () => {
    sources = [{ name: "broken", read: () => Promise.reject(new Error("no answer")) }];
    await start();
    const read = parseExposition(await (await ask()).text(), "text");
    expect(readValue(read, "adaos_scrape_source_ready", { source: "broken" })).toBe(0);
    expect(readValue(read, "adaos_node_ready")).toBe(0);
  });

  test("leaves out a source that hangs, and does not ask it again meanwhile", {
    timeout: 15_000,
  }, async () => {
    sources = [
      {
        name: "hanging",
        read: () => {
          reads++;
          return new Promise(() => undefined);
        },
      },
    ];
    await start();
    for (const _ of [1, 2]) {
      const read = parseExposition(await (await ask()).text(), "text");
      expect(readValue(read, "adaos_scrape_source_ready", { source: "hanging" })).toBe(0);
    }
    expect(reads).toBe(1);
  });

  test("is read-only, and nobody's by another name", async () => {
    await start();
    const url = `http://${HOST}:${server.port}/metrics`;
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    expect(await (await fetch(url, { method: "HEAD" })).text()).toBe("");
  });
});

describe("a status server without a scrape", () => {
  test("has no /metrics", async () => {
    const server = await startStatusServer({ host: HOST, port: 0 }, () => STATUS);
    const response = await fetch(`http://${HOST}:${server.port}/metrics`);
    await server.stop();
    expect(response.status).toBe(404);
  });
});
