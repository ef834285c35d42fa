import type { ConsumerInfo } from "nats";
import { describe, expect, test } from "vitest";
import { type EventConsumer, eventConsumer, standingOf } from "./event-consumer.ts";

const CONSUMER: EventConsumer = {
  of: "beta",
  kind: "durable",
  name: "beta/desk/screen",
  filters: ["evt.*.*.ui.notify.*", "rpl.desk.screen.>"],
  givenSeq: 10,
  settledSeq: 7,
  unsettled: 2,
  retryingSeqs: [],
  pending: 1,
  waiting: 1,
  paused: false,
  begins: { kind: "all" },
  pattern: "ui.notify",
};
const SUBJECT = "evt.alpha.kitchen.ui.notify.v1";

describe("standingOf()", () => {
  const at = (seq: number, consumer: Partial<EventConsumer> = {}, subject = SUBJECT): string =>
    standingOf({ ...CONSUMER, ...consumer }, { seq, subject, storedMs: 1000 });

  test("by what was given and settled", () => {
    expect([7, 8, 10, 11].map((seq) => at(seq))).toEqual(["settled", "given", "given", "waiting"]);
    expect(at(8, { unsettled: 0 })).toBe("settled");
  });

  test("where all that is unsettled is known to be others, it is settled", () => {
    const retryingSeqs = [8, 9];
    expect([8, 9, 10].map((seq) => at(seq, { retryingSeqs }))).toEqual(["given", "given", "settled"]);
    expect(at(10, { retryingSeqs: [8] })).toBe("given");
    // The record of event 3 is older than this: that event has been settled since.
    expect(at(10, { retryingSeqs: [3, 8] })).toBe("given");
  });

  test("an event that no filter takes is foreign, wherever it lies", () => {
    expect(at(11, {}, "evt.alpha.kitchen.ui.closed.v1")).toBe("foreign");
    expect(at(3, {}, "rpl.lamp.screen.alpha.kitchen.ui.notify.v1")).toBe("foreign");
    expect(at(3, {}, "rpl.desk.screen.alpha.kitchen.ui.notify.v1")).toBe("settled");
  });

  test("what lies before its beginning was not this one's", () => {
    expect(at(5, { begins: { kind: "seq", seq: 6 } })).toBe("before");
    expect(at(6, { begins: { kind: "seq", seq: 6 } })).toBe("settled");
    expect(at(5, { begins: { kind: "time", ms: 1001 } })).toBe("before");
    expect(at(5, { begins: { kind: "time", ms: 1000 } })).toBe("settled");
  });
});

describe("eventConsumer()", () => {
  const info = (name: string, config: object = {}): ConsumerInfo =>
    ({
      name,
      created: "1970-01-01T00:00:02Z",
      config: { durable_name: name, filter_subjects: ["evt.>"], deliver_policy: "all", ...config },
      delivered: { consumer_seq: 1, stream_seq: 4 },
      ack_floor: { consumer_seq: 1, stream_seq: 3 },
      num_ack_pending: 1,
      num_pending: 2,
      num_waiting: 3,
    }) as unknown as ConsumerInfo;

  test("names durables and links as people do", () => {
    expect(eventConsumer("beta", info("desk_screen"))).toMatchObject({
      kind: "durable",
      name: "beta/desk/screen",
      givenSeq: 4,
      settledSeq: 3,
      begins: { kind: "all" },
    });
    expect(eventConsumer("alpha", info("root"))).toMatchObject({ kind: "link", name: "up alpha" });
    expect(eventConsumer("root", info("to-beta"))).toMatchObject({ kind: "link", name: "down beta" });
  });

  test("leaves out who only looks, and what is none of ours", () => {
    expect(eventConsumer("beta", info("desk_screen", { durable_name: undefined }))).toBeUndefined();
    expect(eventConsumer("beta", info("a_b_c"))).toBeUndefined();
    expect(eventConsumer("root", info("desk_screen"))).toBeUndefined();
  });

  test("a durable for what is new begins when it was made", () => {
    const begins = (config: object): unknown => eventConsumer("beta", info("desk_screen", config))?.begins;
    expect(begins({ deliver_policy: "new" })).toEqual({ kind: "time", ms: 2000 });
    expect(begins({ deliver_policy: "by_start_sequence", opt_start_seq: 9 })).toEqual({
      kind: "seq",
      seq: 9,
    });
    expect(begins({ deliver_policy: "by_start_time", opt_start_time: "1970-01-01T00:00:01Z" })).toEqual({
      kind: "time",
      ms: 1000,
    });
  });
});
