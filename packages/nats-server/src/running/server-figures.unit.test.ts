import { deadLetterStream, doneStream, eventsStream, MESH_STREAM } from "@adaos/core/wire";
import { describe, expect, test } from "vitest";
import { lagFigures } from "./ask-figures.ts";
import {
  downlinkLags,
  type StreamDetail,
  streamFigures,
  subnetFigures,
  uplinkLags,
} from "./server-figures.ts";

const NOW_MS = Date.parse("2026-01-01T00:01:00Z");

function streamOf(
  name: string,
  messages: number,
  consumers: StreamDetail["consumer_detail"] = [],
): StreamDetail {
  return {
    name,
    config: { max_bytes: 1000 },
    state: {
      messages,
      bytes: messages * 10,
      first_ts: "2026-01-01T00:00:00Z",
      last_ts: "2026-01-01T00:00:05Z",
    },
    consumer_detail: consumers,
  };
}

function consumerOf(name: string, pending: number, unsettled = 0) {
  return {
    name,
    config: { filter_subject: "evt.a.>" },
    ack_floor: { stream_seq: 7 },
    num_ack_pending: unsettled,
    num_redelivered: 1,
    num_pending: pending,
  };
}

describe("streamFigures()", () => {
  test("tells share of the limit and age of the oldest; of an empty stream 0", () => {
    const figures = streamFigures([streamOf("A", 50), streamOf("B", 0)], NOW_MS);
    const told = figures.map(({ metric, labels, value }) => [metric, labels?.[0], value]);
    expect(told).toContainEqual(["streamFull", "A", 0.5]);
    expect(told).toContainEqual(["streamOldest", "A", 60]);
    expect(told).toContainEqual(["streamOldest", "B", 0]);
  });

  test("tells no share of a stream without a limit", () => {
    const figures = streamFigures([{ ...streamOf("A", 1), config: { max_bytes: -1 } }], NOW_MS);
    expect(figures.map(({ metric }) => metric)).not.toContain("streamFull");
  });
});

describe("subnetFigures()", () => {
  test("tells of durables of members, and neither of the root's nor of one who only looks", () => {
    const durables = [consumerOf("kitchen_screen", 3, 2), consumerOf("root", 9), { ...consumerOf("x", 1) }];
    const streams = [
      streamOf(eventsStream("alpha"), 5, [...durables, { ...consumerOf("desk_log", 0), paused: true }]),
      streamOf(deadLetterStream("alpha"), 4),
      streamOf(doneStream({ subnet: "alpha", node: "desk" }), 6),
    ];
    const figures = subnetFigures("alpha", ["kitchen", "desk"], streams);
    expect(figures.filter(({ metric }) => metric === "durablePending")).toEqual([
      { metric: "durablePending", labels: ["alpha/kitchen", "screen"], value: 3 },
      { metric: "durablePending", labels: ["alpha/desk", "log"], value: 0 },
    ]);
    expect(figures).toContainEqual({ metric: "durablePaused", labels: ["alpha/desk", "log"], value: 1 });
    expect(figures).toContainEqual({ metric: "deadLetters", value: 4 });
    expect(figures).toContainEqual({
      metric: "deadLetterLast",
      value: Date.parse("2026-01-01T00:00:05Z") / 1000,
    });
    expect(figures).toContainEqual({ metric: "parked", value: 0 });
    expect(figures).toContainEqual({ metric: "marks", labels: ["alpha/desk"], value: 6 });
    expect(figures).toContainEqual({ metric: "marks", labels: ["alpha/kitchen"], value: 0 });
  });
});

describe("lagFigures()", () => {
  const streams = [
    streamOf(eventsStream("alpha"), 5, [consumerOf("root", 4, 1)]),
    streamOf(MESH_STREAM, 5, [consumerOf("to-beta", 0), consumerOf("to-gone", 3)]),
  ];

  test("counts what is waiting and in hand, and asks for the oldest alone of those that lag", async () => {
    const asked: unknown[] = [];
    const lags = [...uplinkLags("alpha", streams), ...downlinkLags(["alpha", "beta"], streams)];
    const figures = await lagFigures(lags, async (...at) => {
      asked.push(at);
      return Date.now() - 2000;
    });
    expect(asked).toEqual([[eventsStream("alpha"), "evt.a.>", 8]]);
    const told = figures.map(({ metric, labels, value }) => [metric, ...(labels ?? []), Math.round(value)]);
    expect(told).toEqual([
      ["linkLagEvents", "alpha", "up", 5],
      ["linkLagSeconds", "alpha", "up", 2],
      ["linkLagEvents", "beta", "down", 0],
      ["linkLagSeconds", "beta", "down", 0],
    ]);
  });
});
