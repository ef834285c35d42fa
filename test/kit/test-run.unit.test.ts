import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { HOME, leftovers, until } from "./mesh.ts";
import { failureText, slowest } from "./reporter.ts";

const dir = mkdtempSync(join(tmpdir(), "adaos-run-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Starts a daemon that leaves its process group, records its id and its folder, and then runs on or ends. */
const LEAVING = `
const { spawn } = require("node:child_process");
const daemon = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { detached: true, stdio: "ignore" });
require("node:fs").writeFileSync(process.argv[1], JSON.stringify({ pid: daemon.pid, dir: process.env.TMPDIR }));
if (process.argv[2] === "end") process.exit(3);
setTimeout(() => {}, 60_000);
`;
const RUNNER = `
const { runEndingAll } = await import(process.argv[1]);
process.exitCode = await runEndingAll(process.execPath, ["-e", ...process.argv.slice(2)], ".");
`;

async function run(
  how: "end" | NodeJS.Signals,
): Promise<{ readonly code: unknown; readonly left: string[] }> {
  const note = join(dir, how);
  const args = ["--input-type=module", "-e", RUNNER, join(HOME, "scripts/test-run.mjs"), LEAVING, note, how];
  const runner = spawn(process.execPath, args, { stdio: "ignore" });
  const exit = once(runner, "exit");
  if (how !== "end") {
    await until("the daemon is noted", () => existsSync(note) && readFileSync(note, "utf8").endsWith("}"));
    runner.kill(how);
  }
  const [code] = (await exit) as [unknown];
  const noted = JSON.parse(readFileSync(note, "utf8")) as { pid: number; dir: string };
  const folders = existsSync(noted.dir) ? [noted.dir] : [];
  return { code, left: [...(await leftovers([noted.pid], [])), ...folders] };
}

describe("runEndingAll()", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["end", 3],
  ] as const)("leaves neither a daemon nor a file after %s", async (how, code) => {
    expect(await run(how)).toEqual({ code, left: [] });
  });
});

describe("failureText()", () => {
  test("shows a property's seed, and no more than the head of what follows", () => {
    const message = `Property failed after 3 tests\n{ seed: -42, path: "2:0" }\n${"x".repeat(10_000)}`;
    const text = failureText("a.test.ts > holds", { message, stack: `${message}\n    at f (a.test.ts:1:2)` });
    expect(text).toMatch(/^\nFAILED a\.test\.ts > holds\nProperty failed/);
    expect(text).toContain('{ seed: -42, path: "2:0" }');
    expect(text).toContain("at f (a.test.ts:1:2)");
    expect(text.length).toBeLessThan(5000);
  });
});

describe("slowest()", () => {
  test("gives ten files, the slowest first", () => {
    const files = Array.from({ length: 12 }, (_, i) => [`f${i}`, i * 1000] as const);
    expect(slowest(files)).toHaveLength(10);
    expect(slowest(files)[0]).toBe("   11.0  f11");
  });
});
