import type { Probe, ProbeHealth, ProbeOptions } from "@adaos/probes";
import { beforeEach, describe, expect, test } from "vitest";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import { MemberProbes } from "./member-probes.ts";

const TIMES = {
  intervalMs: 30_000,
  timeoutMs: 5000,
  degradedMs: 100,
  unhealthyMs: 200,
  connectionPoolSize: 1,
};
const declared = (url: string) => ({ ...TIMES, type: "tcp" as const, url });
const HEALTHY: ProbeHealth = {
  probe: "",
  environment: "local",
  database_type: "tcp",
  app: "adaos-daemon",
  interval_ms: 30_000,
  connection: "established",
  status: "healthy",
  is_healthy: true,
  requires_alert: false,
  latency_ms: 2,
  since: null,
  looked_at: null,
  retry_count: 0,
  error_message: null,
  unpublished: null,
};

/** A bus whose probes have the health that a test sets. */
class Bus {
  readonly running = new Map<string, { options: ProbeOptions; health: ProbeHealth }>();
  refusal: Error | undefined;

  get probes(): readonly ProbeHealth[] {
    return [...this.running.values()].map(({ health }) => health);
  }

  async probe(name: string, options: ProbeOptions): Promise<Probe> {
    if (this.refusal !== undefined && name === "broken") throw this.refusal;
    const health = { ...HEALTHY, probe: name };
    this.running.set(name, { options, health });
    const stop = async (): Promise<void> => void this.running.delete(name);
    return { name, health: () => health, look: async () => health, stop };
  }
}

let bus: Bus;
let log: RecordingLog;
beforeEach(() => {
  bus = new Bus();
  log = new RecordingLog();
});
const urls = () => [...bus.running].map(([name, { options }]) => `${name} ${options.url}`).sort();

describe("MemberProbes", () => {
  test("follows what is declared: what is the same runs on, what is another begins anew", async () => {
    const part = new MemberProbes(bus, { a: declared("tcp://a:1"), b: declared("tcp://b:1") }, log);
    await part.start();
    await expect.poll(urls).toEqual(["a tcp://a:1", "b tcp://b:1"]);
    const kept = bus.running.get("a");
    part.replace({ a: declared("tcp://a:1"), c: declared("tcp://c:1") });
    await expect.poll(urls).toEqual(["a tcp://a:1", "c tcp://c:1"]);
    expect(bus.running.get("a")).toBe(kept);
    part.replace({ a: declared("tcp://a:2") });
    await expect.poll(urls).toEqual(["a tcp://a:2"]);
    part.replace(undefined);
    await expect.poll(urls).toEqual([]);
  });

  test("is ready whatever it finds, and notes what is ill, not started or not published", async () => {
    bus.refusal = new Error("needs the package pg");
    const part = new MemberProbes(bus, { broken: declared("tcp://a:1"), b: declared("tcp://b:1") }, log);
    await part.start();
    await expect.poll(() => log.lines.length).toBe(1);
    const one = bus.running.get("b");
    if (one !== undefined)
      one.health = { ...one.health, status: "degraded", requires_alert: true, unpublished: "denied" };
    expect(part.health()).toMatchObject({
      ready: true,
      note: "needs the package pg; probe b is degraded; events of probe b are not published: denied",
      details: { problems: { broken: "needs the package pg" } },
    });
  });

  test("tells figures of what was looked at", async () => {
    const part = new MemberProbes(bus, { a: declared("tcp://a:1") }, log);
    await part.start();
    await expect.poll(() => part.figures().length).toBe(5);
    const labels = ["a", "local", "tcp"];
    expect(part.figures()).toEqual([
      { metric: "probeConnected", labels, value: 1 },
      { metric: "probeLatency", labels, value: 0.002 },
      { metric: "probeStatus", labels: [...labels, "healthy"], value: 1 },
      { metric: "probeStatus", labels: [...labels, "degraded"], value: 0 },
      { metric: "probeStatus", labels: [...labels, "unhealthy"], value: 0 },
    ]);
  });

  test("stops what runs", async () => {
    const part = new MemberProbes(bus, { a: declared("tcp://a:1") }, log);
    await part.start();
    await expect.poll(urls).toEqual(["a tcp://a:1"]);
    await part.stop();
    expect(urls()).toEqual([]);
  });
});
