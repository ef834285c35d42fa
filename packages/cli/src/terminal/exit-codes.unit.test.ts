import { MESH_ERROR_CODES } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { EXIT_CODES } from "./exit-codes.ts";

describe("EXIT_CODES", () => {
  test("has a code of sysexits for every error of the mesh, and for nothing else", () => {
    expect(Object.keys(EXIT_CODES).sort()).toEqual([...MESH_ERROR_CODES].sort());
    expect(new Set(Object.values(EXIT_CODES))).toEqual(new Set([64, 65, 69, 70, 76, 77, 78]));
  });

  test.each([
    ["usage", 64],
    ["invalid-event", 65],
    ["unknown-event", 65],
    ["too-large", 65],
    ["backpressure", 69],
    ["unavailable", 69],
    ["timeout", 69],
    ["no-handler", 69],
    ["failed", 76],
    ["closed", 69],
    ["internal", 70],
    ["denied", 77],
    ["invalid-config", 78],
  ] as const)("gives %s the code %d", (code, exitCode) => {
    expect(EXIT_CODES[code]).toBe(exitCode);
  });
});
