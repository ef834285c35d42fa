import { Metrics, RetryableError } from "@adaos/core";
import type { MetricsSnapshot, ProbeReport } from "@adaos/core/wire";
import { metricsSubject, parseNodeAddress } from "@adaos/core/wire";
import type { StoredMessage } from "@adaos/transport-nats";
import { beforeEach, describe, expect, test } from "vitest";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { ProbeWatch, type RecentSnapshots } from "./probe-watch.ts";

const START_MS = Date.parse("2026-01-01T10:40:00Z");
const MINUTE_MS = 60_000;

let nowMs: number;
let messages: StoredMessage[];
let lastSeq: number;
let reads: unknown[];
let isAway: boolean;
let watch: ProbeWatch;

const stream: RecentSnapshots = {
  lastSeq: async () => {
    if (isAway) throw new RetryableError("no answer");
    return lastSeq;
  },
  from: async function* (seq) {
    reads.push(seq);
    yield* messages.filter((message) => message.seq >= seq);
  },
  since: async function* (time) {
    reads.push(time.toISOString());
    yield* messages.filter(({ storedAt }) => Date.parse(storedAt) >= time.getTime());
  },
};

/** A process of a member that looks at one place. */
class Looker {
  readonly #metrics: Metrics;
  readonly #probe: string;
  #report: Partial<ProbeReport> | undefined = {};

  constructor(probe: string, instance = "i", node = "alpha/kitchen") {
    const store = {
      storeMetrics: async (snapshot: MetricsSnapshot): Promise<void> => {
        const subject = metricsSubject(parseNodeAddress(node), instance, snapshot.hour.slice(0, 13));
        messages = messages.filter((message) => message.subject !== subject);
        const body = new TextEncoder().encode(JSON.stringify(snapshot));
        messages.push({
          subject,
          seq: ++lastSeq,
          storedAt: new Date(nowMs).toISOString(),
          headers: {},
          body,
        });
      },
    };
    this.#probe = probe;
    this.#metrics = new Metrics(node, instance, store, new RecordingLog(), () => nowMs);
    this.#metrics.reportProbes(() => (this.#report === undefined ? [] : [this.#health(this.#report)]));
  }

  #health(more: Partial<ProbeReport>): ProbeReport {
    const { status = "healthy" } = more;
    return {
      probe: this.#probe,
      environment: "staging",
      database_type: "redis",
      app: "adaos-app",
      interval_ms: 30_000,
      connection: "established",
      status,
      is_healthy: status === "healthy",
      requires_alert: status !== "healthy",
      latency_ms: 2,
      since: null,
      looked_at: null,
      retry_count: 0,
      error_message: null,
      unpublished: null,
      ...more,
    };
  }

  async look(ms: number | undefined, more: Partial<ProbeReport> = {}): Promise<void> {
    const labels = [this.#probe, "staging", "redis"];
    this.#metrics.count("probeLooks", [...labels, ms === undefined ? "failed" : "healthy"]);
    if (ms !== undefined) this.#metrics.observe("probeMs", ms, labels);
    this.#report = more;
    await this.#metrics.flush();
  }

  async stop(): Promise<void> {
    this.#report = undefined;
    await this.#metrics.close();
  }
}

async function figures(metric: string): Promise<Record<string, number>> {
  const all = await watch.figures();
  return Object.fromEntries(
    all.filter((one) => one.metric === metric).map(({ labels, value }) => [(labels ?? []).join(" "), value]),
  );
}

beforeEach(() => {
  nowMs = START_MS;
  [messages, reads, lastSeq, isAway] = [[], [], 0, false];
  watch = new ProbeWatch(stream, () => nowMs);
});

describe("ProbeWatch, of what is unhealthy", () => {
  test("tells of programs and daemons alike, the worst of one name", async () => {
    expect(await watch.figures()).toEqual([]);
    const [one, other] = [new Looker("db", "a"), new Looker("db", "b")];
    await one.look(3);
    await other.look(undefined, { status: "unhealthy", error_message: "refused" });
    await new Looker("web", "c", "alpha/speaker").look(3, { status: "degraded" });
    expect(await figures("probeUnhealthy")).toEqual({ "alpha/kitchen db": 1, "alpha/speaker web": 0 });
    const [ill] = await watch.figures();
    expect(ill).toMatchObject({ cause: "redis of staging, probed by adaos-app: refused" });
    await other.look(3);
    expect(await figures("probeUnhealthy")).toMatchObject({ "alpha/kitchen db": 0 });
  });

  test("forgets what is probed no more, and whose process has ended without a word", async () => {
    const ended = new Looker("db", "a");
    await ended.look(undefined, { status: "unhealthy" });
    await new Looker("web", "b").look(undefined, { status: "unhealthy" });
    await ended.stop();
    expect(await figures("probeUnhealthy")).toEqual({ "alpha/kitchen web": 1 });
    nowMs += 3 * MINUTE_MS;
    expect(await figures("probeUnhealthy")).toEqual({});
  });

  test("reads on where it was, anew after its store was lost, and nothing older than the hour before", async () => {
    const looker = new Looker("db");
    await looker.look(3);
    await watch.figures();
    await watch.figures();
    expect(reads).toEqual(["2026-01-01T09:00:00.000Z", 2]);
    [messages, lastSeq] = [[], 0];
    await watch.figures();
    expect(reads.at(-1)).toBe("2026-01-01T09:00:00.000Z");
  });

  test("passes on that the store does not answer, and goes on afterwards", async () => {
    isAway = true;
    await expect(watch.figures()).rejects.toThrow("no answer");
    isAway = false;
    expect(await watch.figures()).toEqual([]);
  });

  test("passes over what is no snapshot", async () => {
    const probes = [{ probe: "db", status: "unhealthy" }];
    for (const text of ["{", "[]", JSON.stringify({ probes })]) {
      const body = new TextEncoder().encode(text);
      const subject = `met.alpha.kitchen.x${lastSeq}.2026-01-01T10`;
      messages.push({ subject, seq: ++lastSeq, storedAt: new Date(nowMs).toISOString(), headers: {}, body });
    }
    expect(await watch.figures()).toEqual([]);
  });
});

describe("ProbeWatch, of budgets", () => {
  /** Looks twice a minute for so long; somebody asks each time. @returns The burn at the end. */
  async function pass(looker: Looker, minutes: number, ms: number | undefined): Promise<number | undefined> {
    let burn: number | undefined;
    for (let half = 0; half < 2 * minutes; half++) {
      nowMs += MINUTE_MS / 2;
      await looker.look(ms);
      burn = (await figures("probeSloBurn"))["alpha/kitchen db"];
    }
    return burn;
  }

  test("are not burnt by answers in time, nor by a few that are late", async () => {
    const looker = new Looker("db");
    expect(await pass(looker, 10, 20)).toBe(0);
    expect(await pass(looker, 2, 900)).toBe(0);
  });

  test("burn as fast as looks are late or unanswered: twenty times when all are", async () => {
    expect(await pass(new Looker("db"), 4, 900)).toBeCloseTo(20, 5);
    expect(await pass(new Looker("db"), 4, undefined)).toBeCloseTo(20, 5);
  });

  test("burn no more five minutes after it is over, however long it was, over the turn of an hour too", async () => {
    const looker = new Looker("db");
    expect(await pass(looker, 15, 900)).toBeCloseTo(20, 5);
    expect(await pass(looker, 4, 20)).toBeGreaterThan(0);
    expect(await pass(looker, 2, 20)).toBe(0);
    expect(new Date(nowMs).toISOString()).toContain("T11:01");
  });

  test("of an outage long ago burn slowly, and of a fresh one in a quiet hour too", async () => {
    const looker = new Looker("db");
    expect(await pass(looker, 50, 20)).toBe(0);
    // Six of a hundred looks and a few: just above what may be.
    expect(await pass(looker, 4, 900)).toBeGreaterThan(1);
  });

  test("are known again after a restart", async () => {
    const looker = new Looker("db");
    await pass(looker, 10, 900);
    watch = new ProbeWatch(stream, () => nowMs);
    expect(await figures("probeSloBurn")).toEqual({ "alpha/kitchen db": expect.closeTo(20, 5) });
  });
});
