import { describe, expect, test } from "vitest";
import { cpuTicksOf, kilobytesOf } from "./process-usage.ts";

describe("kilobytesOf()", () => {
  test("takes the line of that very name", () => {
    const text = "Rss:            2048 kB\nPss:            1024 kB\nPss_Anon:        512 kB\n";
    expect(kilobytesOf(text, "Pss")).toBe(1024);
  });
});

describe("cpuTicksOf()", () => {
  test("adds user and kernel time, whatever the program is called", () => {
    expect(cpuTicksOf("42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 310 13 0 0 20")).toBe(323);
  });
});
