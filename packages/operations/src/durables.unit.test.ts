import type { ConsumerInfo } from "nats";
import { describe, expect, test } from "vitest";
import { durableState } from "./durables.ts";

const info = (name: string, more: Partial<ConsumerInfo> = {}): ConsumerInfo =>
  ({ name, num_pending: 3, num_ack_pending: 2, num_redelivered: 1, ...more }) as ConsumerInfo;

describe("durableState()", () => {
  test("tells whose it is by its name, and how far it is", () => {
    expect(durableState("beta", info("desk-2_main-screen", { paused: true }))).toEqual({
      subnet: "beta",
      node: "desk-2",
      durable: "main-screen",
      pending: 3,
      unsettled: 2,
      redelivered: 1,
      paused: true,
    });
  });

  test("knows the uplink", () => {
    expect(durableState("beta", info("root"))).toMatchObject({
      node: "root",
      durable: "root",
      paused: false,
    });
  });
});
