import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTimeOf } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RunFileKeeper } from "./run-file.ts";

const CONTENT = { node: "alpha/hub", pid: process.pid, statusUrl: "http://127.0.0.1:1", startedAt: "now" };

let dir: string;
let file: string;
let keeper: RunFileKeeper;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-run-file-"));
  file = join(dir, "run/hub.json");
  keeper = new RunFileKeeper(file, { warn: () => undefined });
});
afterEach(() => {
  keeper.remove();
  rmSync(dir, { recursive: true });
});

const held = (): typeof CONTENT => JSON.parse(readFileSync(file, "utf8"));

describe("RunFileKeeper", () => {
  test("writes it again when it is gone or spoilt", async () => {
    keeper.keep(CONTENT);
    rmSync(join(dir, "run"), { recursive: true });
    await vi.waitFor(() => expect(held()).toMatchObject(CONTENT), 8000);
    writeFileSync(file, '{"pid":');
    await vi.waitFor(() => expect(held()).toMatchObject(CONTENT), 8000);
    keeper.remove();
    expect(existsSync(file)).toBe(false);
  }, 20_000);

  test("refuses a second process of a node that runs, and leaves that one's file", async () => {
    const other = spawn("sleep", ["60"]);
    try {
      const pid = other.pid as number;
      const theirs = { ...CONTENT, pid, processStart: startTimeOf(pid) };
      keeper.keep(CONTENT);
      writeFileSync(file, JSON.stringify(theirs));
      expect(() => new RunFileKeeper(file, { warn: () => undefined }).keep(CONTENT)).toThrow(
        expect.objectContaining({ code: "unavailable", message: expect.stringContaining(`process ${pid}`) }),
      );
      keeper.remove();
      expect(held()).toEqual(theirs);
    } finally {
      other.kill("SIGKILL");
    }
    // A process that has died no longer owns the file, nor does a later process of its id.
    await vi.waitFor(() => expect(() => keeper.keep(CONTENT)).not.toThrow());
  });
});
