import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pc from "picocolors";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openOutput } from "./output-file.ts";
import type { Terminal } from "./terminal.ts";

let dir: string;
let printed: string[];
const terminal: Terminal = {
  out: (line) => printed.push(line),
  say: () => undefined,
  outIsTty: false,
  colors: pc.createColors(false),
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-output-"));
  printed = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

describe("openOutput()", () => {
  test("writes a file for its owner only, which is there when it is complete and not before", async () => {
    const file = join(dir, "report.json");
    writeFileSync(`${file}.new`, "left by one that was killed", { mode: 0o644 });
    const output = await openOutput(file, false, terminal);
    const long = "x".repeat(100_000);
    await output.line(long);
    await output.line("é");
    expect(existsSync(file)).toBe(false);
    await output.done();
    await output.discard();
    expect(readFileSync(file, "utf8")).toBe(`${long}\né\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(["report.json"]);
  });

  test("leaves nothing when it is given up", async () => {
    const output = await openOutput(join(dir, "report.json"), false, terminal);
    await output.line("half");
    await output.discard();
    await output.discard();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("overwrites only when it is told to, even what came while it wrote", async () => {
    const file = join(dir, "report.json");
    const first = await openOutput(file, false, terminal);
    writeFileSync(file, "mine");
    await expect(first.done()).rejects.toMatchObject({ code: "usage" });
    await first.discard();
    await expect(openOutput(file, false, terminal)).rejects.toMatchObject({ code: "usage" });
    expect(readFileSync(file, "utf8")).toBe("mine");
    const forced = await openOutput(file, true, terminal);
    await forced.line("new");
    await forced.done();
    expect(readFileSync(file, "utf8")).toBe("new\n");
  });

  test("says that a place cannot be written", async () => {
    await expect(openOutput(join(dir, "no/such"), false, terminal)).rejects.toMatchObject({ code: "usage" });
    await expect((await openOutput(dir, true, terminal)).done()).rejects.toMatchObject({ code: "usage" });
    rmSync(`${dir}.new`, { force: true });
  });

  test("- is standard output", async () => {
    const output = await openOutput("-", false, terminal);
    await output.line("one");
    await output.done();
    await output.discard();
    expect(printed).toEqual(["one"]);
  });
});
