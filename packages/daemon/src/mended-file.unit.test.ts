import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { keepLastGood, nodeFilePath, readNodeFile, runFilePath } from "@adaos/config";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { until } from "../../../test/kit/mesh.ts";
import { untilReadable } from "./mended-file.ts";
import type { RunFile } from "./run-file.ts";
import { configErrors, HEALTH_PATH, type NodeStatus } from "./status-server.ts";

vi.mock("./log.ts", () => ({
  openLog: () => {
    const add = (fields: object, event: string): void => void lines.push({ ...fields, event });
    return { info: add, warn: add, error: add, debug: add };
  },
}));

const NODE = {
  role: "member",
  mesh: "demo",
  server: { url: "nats://127.0.0.1:4222", seedFile: "kitchen.nk" },
  subnet: "alpha",
  node: "kitchen",
  registry: "schemas",
  policy: [],
};

let stateDir: string;
let file: string;
let runFile: string;
/** Lines written to standard output. */
let lines: { event: string }[];

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "adaos-mended-"));
  file = nodeFilePath(stateDir, "alpha/kitchen");
  runFile = runFilePath(stateDir, "alpha/kitchen");
  mkdirSync(dirname(file), { recursive: true });
  lines = [];
});
afterEach(() => {
  rmSync(stateDir, { recursive: true });
});

const run = (): RunFile => JSON.parse(readFileSync(runFile, "utf8"));
const untilItWaits = (): Promise<void> => until("it waits", () => existsSync(runFile));

async function asked<T>(path: string): Promise<{ code: number; body: T }> {
  const response = await fetch(`${run().statusUrl}${path}`);
  return { code: response.status, body: (await response.json()) as T };
}

describe("untilReadable()", () => {
  test("goes on at once with a file that can be read, or with its last good version", async () => {
    writeFileSync(file, JSON.stringify(NODE));
    expect(await untilReadable(file, "member")).toBe(true);
    keepLastGood(readNodeFile(file, "member"));
    writeFileSync(file, "{");
    expect(await untilReadable(file, "member")).toBe(true);
    expect([existsSync(runFile), lines]).toEqual([false, []]);
  });

  test("waits with a broken one, is not ready, names place and remedy, and goes on when it is mended", async () => {
    writeFileSync(file, "{");
    const waiting = untilReadable(file, "member");
    await untilItWaits();
    expect(run()).toMatchObject({ node: "alpha/kitchen", pid: process.pid });
    const { body: status } = await asked<NodeStatus>("/status");
    expect(status).toMatchObject({ node: "alpha/kitchen", role: "member", ready: false });
    expect(status.parts["config"]?.reason).toMatch(
      /^waits: \S+kitchen\.json:1:\d+ .*adaos up writes the file anew/,
    );
    const place = expect.stringMatching(/kitchen\.json:1:\d+$/);
    const remedy = expect.stringContaining("the node does nothing until it is mended");
    expect(configErrors(status.parts)).toEqual([expect.objectContaining({ file, place, remedy })]);
    // The supervisor must not restart the node for this: the file would be broken as before.
    const { code, body } = await asked<{ config: object }>(HEALTH_PATH);
    expect([code, body]).toEqual([
      200,
      expect.objectContaining({
        ready: false,
        config: { errors: [expect.objectContaining({ place, remedy })] },
      }),
    ]);
    expect((await asked("/readyz")).code).toBe(503);

    writeFileSync(file, JSON.stringify({ ...NODE, role: "cook" }));
    await until("the new trouble is told", () => lines.length === 2);
    writeFileSync(file, JSON.stringify(NODE));
    expect(await waiting).toBe(true);
    expect([existsSync(runFile), lines.map(({ event }) => event)]).toEqual([
      false,
      ["node file broken", "node file broken", "node file no longer waited for"],
    ]);
  });

  test("ends when it is told to stop, and leaves no run file and no listener", async () => {
    const before = process.listenerCount("SIGTERM");
    writeFileSync(file, "{");
    const waiting = untilReadable(file, "member");
    await untilItWaits();
    const own = process.listeners("SIGTERM").at(-1) as () => void;
    own();
    expect([await waiting, existsSync(runFile), process.listenerCount("SIGTERM")]).toEqual([
      false,
      false,
      before,
    ]);
  });

  test("throws where there is no file: then there is no node", async () => {
    await expect(untilReadable(file, "member")).rejects.toMatchObject({ code: "invalid-config" });
  });
});
