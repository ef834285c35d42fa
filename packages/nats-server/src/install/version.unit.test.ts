import { describe, expect, test } from "vitest";
import {
  compareVersions,
  isVersion,
  MINIMUM_VERSION,
  parseVersionOutput,
  TESTED_VERSION,
  whyUnsupported,
} from "./version.ts";

describe("parseVersionOutput()", () => {
  test.each([
    ["nats-server: v2.15.1\n", "2.15.1"],
    ["warning: something\nnats-server: v2.14.0-RC.2\n", "2.14.0-RC.2"],
    ["nats-server: v2.15.1\r\n", "2.15.1"],
    ["nats-server: 2.15.1\n", undefined],
    ["other: v2.15.1\n", undefined],
    ["nats-server: v2.15.1/../../x\n", undefined],
    ["", undefined],
  ])("%j gives %j", (output, version) => {
    expect(parseVersionOutput(output)).toBe(version);
  });
});

describe("compareVersions()", () => {
  test("orders by number, and a pre-release before its release", () => {
    const ordered = ["none", "1.99.99", "2.9.10", "2.14.0-RC.1", "2.14.0-RC.2", "2.14.0", "2.14.1", "2.15.0"];
    expect(ordered.toReversed().sort(compareVersions)).toEqual(ordered);
  });

  test("is 0 for equals", () => {
    expect(compareVersions("2.14.0", "2.14.0")).toBe(0);
    expect(compareVersions("x", "y")).toBe(0);
  });
});

describe("isVersion()", () => {
  test("refuses what could name another folder", () => {
    expect(["2.15.1", "..", "2.15", "2.15.1/x", ".work-abc"].filter(isVersion)).toEqual(["2.15.1"]);
  });
});

describe("whyUnsupported()", () => {
  test("takes the minimum and the tested version", () => {
    expect(whyUnsupported(MINIMUM_VERSION)).toBeUndefined();
    expect(whyUnsupported(TESTED_VERSION)).toBeUndefined();
  });

  test("names both versions when one is too old", () => {
    expect(whyUnsupported("2.9.10")).toBe(`version 2.9.10 is older than ${MINIMUM_VERSION}`);
    expect(whyUnsupported(`${MINIMUM_VERSION}-RC.1`)).toBeDefined();
  });
});
