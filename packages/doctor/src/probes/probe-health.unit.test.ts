import type { NodeProbes } from "@adaos/supervise";
import { describe, expect, test } from "vitest";
import { probesFound } from "./probe-health.ts";

type Probe = NodeProbes["probes"][number];
const probe = (name: string, requires_alert: boolean): Probe =>
  ({ probe: name, requires_alert, app: "adaos-daemon" }) as unknown as Probe;
const none = { problems: {} };

describe("probesFound()", () => {
  test("a daemon that answers knows better than its hub; programs are known by the hub alone", () => {
    const asked = [{ node: "alpha/kitchen", probes: [probe("db", false)], ...none }];
    const stale = { node: "alpha/kitchen", ...probe("db", true) };
    const program = { node: "alpha/kitchen", ...probe("web", false), app: "shop" };
    const { healthy, probes } = probesFound(asked, { probes: [stale, program], away: [] } as never);
    expect(healthy).toBe(true);
    expect(probes.map(({ probe: name, requires_alert }) => [name, requires_alert])).toEqual([
      ["db", false],
      ["web", false],
    ]);
  });

  test("is not healthy where a probe was not started, or a daemon does not answer", () => {
    const problem = [{ node: "alpha/kitchen", probes: [], problems: { db: "no driver" } }];
    expect(probesFound(problem, { probes: [], away: [] })).toMatchObject({ healthy: false });
    const away = [{ node: "alpha/kitchen", probes: [], ...none, away: "is not running" }];
    expect(probesFound(away, { probes: [], away: [] })).toMatchObject({
      healthy: false,
      away: [{ node: "alpha/kitchen", reason: "is not running" }],
    });
  });
});
