import { describe, expect, test } from "vitest";
import { resiliencePast } from "./resilience-past.ts";

const line = (event: string, fields: object, ts = "2026-01-05T09:30:00.000Z"): string =>
  JSON.stringify({ ts, level: "warn", event, ...fields });

describe("resiliencePast()", () => {
  test("tells restarts, recoveries, injected faults and lost lines since a time", () => {
    const text = [
      line("process restarted", { component: "root", reason: "ended" }, "2026-01-04T00:00:00.000Z"),
      line("process restarted", { component: "alpha/kitchen", reason: "ended by SIGKILL" }),
      line("process recovered", { component: "alpha/kitchen", took_ms: 812 }),
      line("fault injected", { fault: "kill", target: "root", flow_ms: null, ready_ms: 900, unready: [] }),
      line("restart does not help", { component: "root", reason: "port taken", dropped_lines: 3 }),
      '{"ts":"2026-01-05T09:3',
    ].join("\n");
    const past = resiliencePast(text, Date.parse("2026-01-05T00:00:00.000Z"), false);
    expect(past.restarts).toEqual([
      { at: "2026-01-05T09:30:00.000Z", component: "alpha/kitchen", reason: "ended by SIGKILL" },
    ]);
    expect(past.recoveries.map(({ took_ms }) => took_ms)).toEqual([812]);
    expect(past.faults).toMatchObject([{ fault: "kill", flow_ms: null, ready_ms: 900 }]);
    expect(past.interventions.map(({ reason }) => reason)).toEqual(["port taken"]);
    expect(past.lines).toEqual({ written: 4, dropped: 3, torn: 1 });
  });

  test("fields of another type do no harm", () => {
    const odd = [line("process restarted", { component: 1, reason: {} }), "null", "[]", '"x"'].join("\n");
    const past = resiliencePast(odd, 0, false);
    expect(past.restarts).toMatchObject([{ component: "", reason: "" }]);
    expect(past.lines).toEqual({ written: 1, dropped: 0, torn: 3 });
  });
});
