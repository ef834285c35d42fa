import { type ConsumerConfig, type ConsumerInfo, DeliverPolicy } from "nats";
import { describe, expect, test } from "vitest";
import { durableRow, parseDurableName, startingAt } from "./change-durables.ts";

const CONFIG = {
  durable_name: "desk_screen",
  deliver_policy: DeliverPolicy.StartSequence,
  opt_start_seq: 7,
  filter_subjects: ["evt.alpha.*.ui.>", "rpl.desk.screen.>"],
  metadata: { "adaos.node": "desk", "adaos.pattern": "ui.", "adaos.answers": "false" },
} as unknown as ConsumerConfig;

const info = (name: string, config: Partial<ConsumerConfig>, more: object = {}): ConsumerInfo =>
  ({
    name,
    config,
    num_pending: 3,
    num_ack_pending: 2,
    num_redelivered: 1,
    num_waiting: 0,
    delivered: {},
    ack_floor: {},
    ...more,
  }) as ConsumerInfo;

describe("durableRow()", () => {
  test("tells what a member's durable takes, and when it last did anything", () => {
    const row = durableRow(
      "beta",
      info("desk_screen", CONFIG, {
        delivered: { last_active: "2026-01-05T09:30:00.5Z" },
        ack_floor: { last_active: "2026-01-05T09:31:00Z" },
      }),
    );
    expect(row).toMatchObject({
      subnet: "beta",
      node: "desk",
      durable: "screen",
      pattern: "ui.",
      from: { subnet: "alpha" },
      pending: 3,
      unsettled: 2,
      last_activity: "2026-01-05T09:31:00Z",
    });
  });

  test("knows one that never did anything, and leaves out the link's", () => {
    expect(durableRow("beta", info("desk_screen", CONFIG))?.last_activity).toBe(null);
    expect(durableRow("beta", info("root", { durable_name: "root" }))).toBeUndefined();
  });
});

describe("startingAt()", () => {
  test("keeps all but the place", () => {
    const { opt_start_seq: _, ...rest } = CONFIG;
    expect(startingAt(CONFIG, { kind: "new" })).toEqual({ ...rest, deliver_policy: "new" });
    expect(startingAt(CONFIG, { kind: "all" })).toEqual({ ...rest, deliver_policy: "all" });
    expect(startingAt(CONFIG, { kind: "seq", seq: 9 })).toMatchObject({ opt_start_seq: 9 });
    expect(startingAt(CONFIG, { kind: "time", ms: 0 })).toEqual({
      ...rest,
      deliver_policy: "by_start_time",
      opt_start_time: "1970-01-01T00:00:00.000Z",
    });
  });
});

describe("parseDurableName()", () => {
  test("reads subnet, node and durable, and refuses anything else", () => {
    expect(parseDurableName("beta/desk/main-screen")).toEqual({
      subnet: "beta",
      node: "desk",
      durable: "main-screen",
    });
    for (const text of ["", "desk/screen", "beta/desk/", "beta/desk/a/b", "beta/desk/a.b", "beta/desk/a_b"])
      expect(() => parseDurableName(text)).toThrow("subnet/node/durable");
  });
});
