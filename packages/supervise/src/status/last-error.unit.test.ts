import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lastErrorOf, outputFile } from "./last-error.ts";

test("lastErrorOf() finds the last error of a daemon's output, within bounds, and none where there is none", () => {
  const dir = mkdtempSync(join(tmpdir(), "adaos-last-error-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  expect(lastErrorOf(dir, "alpha/hub")).toBeUndefined();
  mkdirSync(join(dir, "logs"));
  const file = outputFile(dir, "alpha/hub");
  writeFileSync(file, "started\n");
  expect(lastErrorOf(dir, "alpha/hub")).toBeUndefined();
  writeFileSync(file, `error old\n${"x".repeat(100_000)}\nerror the disk is full (unavailable)\n  at\n`);
  expect(lastErrorOf(dir, "alpha/hub")).toBe("the disk is full (unavailable)");
  writeFileSync(file, `error ${"y".repeat(2000)}`);
  expect(lastErrorOf(dir, "alpha/hub")?.length).toBeLessThan(500);
});
