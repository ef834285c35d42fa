import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "@adaos/config";
import { processesFile } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keptFor, leftChildren } from "./left-children.ts";
import { isRunning, recordOf } from "./process-table.ts";
import { stopProcesses } from "./stop-processes.ts";
import { startWaiting, type WaitingChild } from "./waiting-child.ts";

let state: string;
let started: WaitingChild | undefined;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-left-"));
});
afterEach(() => {
  started?.child.kill("SIGKILL");
  rmSync(state, { recursive: true });
});

function start(args: readonly string[], of = state): number {
  const out = join(state, "out");
  started = startWaiting(process.execPath, args, out, keptFor(of, "nats-alpha"));
  started.go();
  return started.child.pid as number;
}

const FOREVER = ["-e", "setInterval(() => undefined, 1000)"];

describe.runIf(process.platform === "linux")("leftChildren()", () => {
  test.each([undefined, "{", "null", '{"children":[]}'])(
    "finds what runs where the table is %s",
    async (table) => {
      if (table !== undefined) writeWhole(processesFile(state), table);
      const command = [process.execPath, ...FOREVER, join(state, "servers/alpha.conf")];
      const pid = start(command.slice(1));
      await vi.waitFor(() =>
        expect(leftChildren(state)).toEqual([{ ...recordOf("nats-alpha", pid), command }]),
      );
      expect(leftChildren(`${state}2`)).toEqual([]);
      expect(await stopProcesses(state)).toBe(1);
      expect(isRunning(recordOf("nats-alpha", pid))).toBe(false);
    },
  );

  test("finds a server that copies streams", async () => {
    const pid = start([...FOREVER, join(state, "store/root.new-key.from/server.conf")]);
    await vi.waitFor(() => expect(leftChildren(state)).toMatchObject([{ pid }]));
  });

  test("leaves alone what such a process has started itself, and what only names its files", () => {
    start(FOREVER);
    writeFileSync(join(state, "edited"), "");
    expect(leftChildren(state)).toEqual([]);
  });
});
