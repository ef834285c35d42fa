import { describe, expect, test } from "vitest";
import { assertPlatform } from "./supported-platform.ts";

describe("assertPlatform()", () => {
  test("names the way on Windows, and lets other systems pass", () => {
    expect(() => assertPlatform("win32")).toThrow(/within WSL 2/);
    for (const platform of ["linux", "darwin", "freebsd"] as const) assertPlatform(platform);
  });
});
