import { describe, expect, it } from "vitest";
import {
  assertStreamFormat,
  assertSuffixes,
  FORMATS,
  type Format,
  formatOf,
  inFormat,
  isNewer,
  STREAM_FORMAT,
  streamFormat,
  withFormat,
} from "./formats.ts";
import { alertsStream, doneStream, eventsStream, MESH_STREAM } from "./names.ts";
import { failedRunsStream, runRecordsStream, runsStream } from "./run-names.ts";

const STEPPED: Format = {
  what: "thing.json",
  told: "key",
  steps: [
    ({ name, ...rest }) => ({ ...rest, names: [name] }),
    ({ names, ...rest }) => ({ ...rest, names, count: (names as unknown[]).length }),
  ],
};

describe("inFormat", () => {
  it("takes a content without a number for format 1, and migrates it step by step", () => {
    expect(inFormat(STEPPED, { name: "a", other: 1 }, "x")).toEqual({ names: ["a"], count: 1, other: 1 });
  });

  it("begins with the step after the content's own format", () => {
    expect(inFormat(STEPPED, { format: 2, names: ["a", "b"] }, "x")).toEqual({ names: ["a", "b"], count: 2 });
  });

  it("leaves a content of this version as it is", () => {
    const content = { names: [], count: 7 };
    expect(inFormat(STEPPED, withFormat(STEPPED, content), "x")).toEqual(content);
  });

  it("refuses a newer one in one sentence: file, its format, what this version reads, the remedy", () => {
    expect(() => inFormat(STEPPED, { format: 4 }, ".adaos/thing.json")).toThrow(
      /^\.adaos\/thing\.json has format 4, and adaos \S+ reads formats up to 3: run the version .* or restore a backup$/,
    );
  });

  it.each([0, -1, 1.5, "2", null, Number.NaN, [1], 2 ** 60])("refuses %j as a number", (format) => {
    expect(() => inFormat(STEPPED, { format }, "x")).toThrow("no valid format");
  });
});

describe("isNewer", () => {
  it("knows a later version's content by its number alone", () => {
    expect(isNewer(STEPPED, { format: 4, whatever: true })).toBe(true);
    for (const content of [{ format: 3 }, {}, { format: "9" }, null, 4, "x"])
      expect(isNewer(STEPPED, content)).toBe(false);
  });
});

describe("assertSuffixes", () => {
  it("refuses a file with a higher number after its suffix, and no other file", () => {
    const names = ["1-2-3.marks", "left-2.marks.damaged", "5.marks.new", "refused.ndjson", "x.marks1", "12"];
    expect(() => assertSuffixes(FORMATS.marks, names, ".marks", "m")).not.toThrow();
    expect(() => assertSuffixes(FORMATS.marks, [...names, "a.marks2"], ".marks", "m")).toThrow(
      "m/a.marks2 has format 2",
    );
  });
});

describe("assertStreamFormat", () => {
  it("knows every stream of a mesh by its name", () => {
    const streams = [
      eventsStream("dlq"),
      doneStream({ subnet: "alpha", node: "events" }),
      alertsStream("root"),
      MESH_STREAM,
      runsStream("a"),
      runRecordsStream("a"),
      failedRunsStream("a"),
    ];
    const formats = streams.map(streamFormat);
    const { EVENTS, DONE, ALERTS, MESH, RUNS, RUN_RECORDS, FAILED_RUNS } = FORMATS;
    expect(formats).toEqual([EVENTS, DONE, ALERTS, MESH, RUNS, RUN_RECORDS, FAILED_RUNS]);
    for (const other of ["KV_x", "", "toString", "layout", "events_a", "constructor"])
      expect(streamFormat(other)).toBeUndefined();
  });

  it("takes a stream without a number for format 1, and refuses a newer or unreadable number", () => {
    expect(assertStreamFormat("EVENTS_alpha", undefined)).toBe(1);
    expect(assertStreamFormat("EVENTS_alpha", { [STREAM_FORMAT]: "1" })).toBe(1);
    for (const [told, shown] of [
      ["2", "format 2"],
      ["x", "format unknown"],
      ["", "format unknown"],
    ] as const)
      expect(() => assertStreamFormat("EVENTS_alpha", { [STREAM_FORMAT]: told })).toThrow(
        `stream EVENTS_alpha has ${shown}, and`,
      );
    expect(assertStreamFormat("OTHERS", { [STREAM_FORMAT]: "7" })).toBe(7);
  });
});

describe("FORMATS", () => {
  it("tells nothing but whole numbers from 1 on", () => {
    for (const format of Object.values(FORMATS)) expect(formatOf(format)).toBeGreaterThanOrEqual(1);
  });
});
