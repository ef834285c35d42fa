import { fileURLToPath } from "node:url";
import { DatabaseConnectionFailed, DatabaseHealthCheckCompleted, type ProbeConnection } from "@adaos/probes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseExposition, readValue } from "../../../test/kit/parse-exposition.ts";
import { connect } from "./connect.ts";
import type { MemberBus } from "./member-bus.ts";

const MESH = fileURLToPath(new URL("../../../examples/local.yaml", import.meta.url));
const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };

let bus: MemberBus;
let isUp: boolean;
beforeEach(async () => {
  isUp = true;
  bus = await connect({ as: "alpha/kitchen", mesh: MESH, log });
});
afterEach(() => bus.close());

function open(): ProbeConnection {
  const answer = async (): Promise<void> => {
    if (!isUp) throw new Error("refused");
  };
  return { connect: answer, ask: answer, close: async () => undefined };
}

describe("MemberBus", () => {
  test("hands instances of a class to its handler, which may be async", async () => {
    const failures: DatabaseConnectionFailed[] = [];
    const checks: DatabaseHealthCheckCompleted[] = [];
    await bus.subscribe(DatabaseConnectionFailed, { durable: "failures" }, async (event, { address }) => {
      expect(address.node).toBe("kitchen");
      failures.push(event);
    });
    await bus.subscribe(DatabaseHealthCheckCompleted, { durable: "checks", maxConcurrency: 1 }, (event) => {
      checks.push(event);
    });
    const probe = await bus.probe("db", { type: "redis", open, environment: "production" });
    isUp = false;
    for (const _ of [0, 1, 2]) await probe.look();
    await expect.poll(() => [failures.length, checks.length]).toEqual([3, 2]);
    expect(failures[0]).toBeInstanceOf(DatabaseConnectionFailed);
    expect(failures.map(({ retry_count }) => retry_count).sort()).toEqual([0, 1, 2]);
    expect(checks.map(({ is_healthy, requires_alert }) => [is_healthy, requires_alert])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test("counts looks, and tells how what it probes is", async () => {
    const probe = await bus.probe("db", { type: "redis", open, environment: "production" });
    await probe.look();
    const told = parseExposition(bus.metrics()?.text ?? "", "text");
    const labels = { probe: "db", environment: "production", database_type: "redis" };
    expect(readValue(told, "adaos_probe_looks_total", { ...labels, outcome: "healthy" })).toBe(2);
    expect(readValue(told, "adaos_probe_duration_seconds_count", labels)).toBe(2);
    expect(bus.probes).toEqual([probe.health()]);
  });

  test("keeps what it has published where a test wants it, and not what was refused", async () => {
    const kept = await connect({ as: "alpha/kitchen", mesh: MESH, log, history: true });
    const { eventId } = await kept.publish("ui.notify", { text: "x" });
    await expect(kept.publish("nlp.nothing", {})).rejects.toThrow();
    expect(kept.history).toEqual([{ event_id: eventId, ref: "ui.notify", data: { text: "x" } }]);
    for (let i = 0; i < 1001; i++) await kept.publish("ui.notify", { text: String(i) });
    expect([kept.history.length, kept.history.at(-1)?.data]).toEqual([1000, { text: "1000" }]);
    await kept.close();
    expect(bus.history).toEqual([]);
  });

  test("stops its probes when it is closed", async () => {
    const probe = await bus.probe("db", { type: "redis", open });
    await Promise.all([bus.close(), bus.close()]);
    await expect(probe.look()).rejects.toMatchObject({ code: "closed" });
    await expect(bus.probe("db", { type: "redis", open })).rejects.toMatchObject({ code: "closed" });
  });
});
