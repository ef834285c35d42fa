import { describe, expect, test } from "vitest";
import { alertChange, auditChange, eventChange, logChange, type MeshChange, mergeChanges } from "./change.ts";

const at = (second: number): string => `2026-11-30T13:00:${String(second).padStart(2, "0")}.000Z`;
const change = (second: number, more: Partial<MeshChange> = {}): MeshChange => ({
  at: at(second),
  kind: "link",
  level: "info",
  about: "up alpha",
  what: `x ${second}`,
  ...more,
});

describe("mergeChanges()", () => {
  test("sorts by time, keeps each report once, and the newest of too many", () => {
    const given = [
      change(3),
      change(1),
      change(2, { event_id: "EVT-1" }),
      change(2, { event_id: "EVT-1", stored_at: "beta" }),
    ];
    expect(mergeChanges(given, 10).map((one) => one.at)).toEqual([at(1), at(2), at(3)]);
    expect(mergeChanges(given, 2).map((one) => one.at)).toEqual([at(2), at(3)]);
    expect(mergeChanges([change(1), change(2, { kind: "alert" })], 9, ["alert"])).toEqual([
      change(2, { kind: "alert" }),
    ]);
    expect(mergeChanges([], 9)).toEqual([]);
  });

  test("takes reports of the same in several subnets for one, and of the same a second time for two", () => {
    const ready = (second: number, stored_at: string, event_id: string) =>
      change(second, { stored_at, event_id, what: "ready" });
    const both = [ready(1, "alpha", "EVT-1"), ready(2, "beta", "EVT-2"), ready(9, "beta", "EVT-3")];
    expect(mergeChanges(both, 9).map(({ event_id }) => event_id)).toEqual(["EVT-1", "EVT-3"]);
    expect(mergeChanges([ready(1, "alpha", "EVT-1"), ready(2, "alpha", "EVT-2")], 9)).toHaveLength(2);
  });
});

describe("auditChange()", () => {
  test("tells of policy, of the registry, and of an act that has failed", () => {
    const act = {
      id: "EVT-1",
      action: "policy.apply",
      who: "alice@x",
      what: "mesh.yaml",
      began_at: at(1),
      outcome: "done",
      count: 1,
    } as const;
    expect(auditChange(act)).toMatchObject({ kind: "policy", level: "info", what: "alice@x: mesh.yaml" });
    expect(auditChange({ ...act, action: "registry.apply" })?.kind).toBe("registry");
    const failed = auditChange({
      ...act,
      action: "events.dlq.purge",
      outcome: "failed",
      error: "no",
      ended_at: at(2),
    });
    expect(failed).toMatchObject({
      kind: "operator",
      level: "error",
      at: at(2),
      what: "alice@x: mesh.yaml: failed, no",
    });
    expect(auditChange({ ...act, began_at: "soon" })).toBeUndefined();
  });
});

describe("logChange()", () => {
  const line = (fields: object): MeshChange | undefined =>
    logChange(JSON.stringify({ ts: at(1), level: "warn", ...fields }));
  test("tells of restarts and files, and of nothing else", () => {
    const component = "alpha/hub";
    expect(line({ event: "process restarted", component, reason: "ended", ordered: false })).toMatchObject({
      kind: "process",
      level: "warning",
      about: component,
      what: "restarted: ended",
    });
    expect(line({ event: "process restarted", component, reason: "policy", ordered: true })?.level).toBe(
      "info",
    );
    expect(line({ event: "restart does not help", component, reason: "ended", failures: 4 })?.what).toBe(
      "4 restarts did not help: ended",
    );
    const errors = [{ file: "mesh.yaml", place: "3:1", message: "is no map" }];
    expect(line({ event: "config.errors", component, "config.errors": errors })?.what).toBe(
      "mesh.yaml 3:1: is no map",
    );
    expect(line({ event: "handler gave up", component })).toBeUndefined();
    for (const broken of ["", "{", '"x"', "{}"]) expect(logChange(broken)).toBeUndefined();
  });
});

describe("eventChange()", () => {
  test("tells of a start and of a link, whatever else the data holds", () => {
    const envelope = (data: unknown) => ({ event_id: "EVT-1", ts: at(1), data });
    expect(
      eventChange(
        "mesh.link.down",
        "root",
        envelope({ subnet: "alpha", direction: "down", reason: "cut" }),
        "alpha",
      ),
    ).toEqual({
      at: at(1),
      kind: "link",
      level: "error",
      about: "down alpha",
      what: "the link is down: cut",
      event_id: "EVT-1",
      stored_at: "alpha",
    });
    expect(eventChange("mesh.node.ready", "alpha/hub", envelope({ duration_ms: 1234 }), "alpha")?.what).toBe(
      "ready after 1.2 s",
    );
    expect(eventChange("mesh.node.ready", "alpha/hub", envelope("x"), "alpha")?.what).toBe("ready");
    expect(eventChange("ui.notify", "alpha/hub", envelope({}), "alpha")).toBeUndefined();
  });
});

describe("alertChange()", () => {
  test("has the cause while it lasts", () => {
    const alert = { alert: "linkDown/alpha", severity: "critical", summary: "a link is down", cause: "cut" };
    const record = { change: "raised", at: at(1), event_id: "EVT-1", alert } as Parameters<
      typeof alertChange
    >[0];
    expect(alertChange(record)).toMatchObject({ level: "error", what: "raised: a link is down (cut)" });
    expect(alertChange({ ...record, change: "cleared" })).toMatchObject({
      level: "good",
      what: "cleared: a link is down",
    });
  });
});
