import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readMeshFile } from "@adaos/config";
import { provision } from "@adaos/provision";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { whyBroken } from "./local-mesh.ts";
import {
  isRunning,
  type ProcessRecord,
  recordOf,
  runningSupervisor,
  writeProcessTable,
} from "./processes/process-table.ts";
import { stopProcesses } from "./processes/stop-processes.ts";

const children: ChildProcess[] = [];
let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-local-mesh-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(state, { recursive: true });
});

/** A process that runs until it is stopped. */
function running(name: string): ProcessRecord {
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  children.push(child);
  return recordOf(name, child.pid ?? 0);
}

/** The record of a process whose id another process has now: this one. */
const RECYCLED: ProcessRecord = { name: "gone", pid: process.pid, identity: "1" };

describe("runningSupervisor()", () => {
  test("finds the one that runs, and nothing when it has ended or never was", () => {
    expect(runningSupervisor(state)).toBeUndefined();
    writeProcessTable(state, { supervisor: RECYCLED, children: [] });
    expect(runningSupervisor(state)).toBeUndefined();
    const supervisor = running("supervisor");
    writeProcessTable(state, { supervisor, children: [] });
    expect(runningSupervisor(state)).toEqual(supervisor);
  });
});

describe("whyBroken()", () => {
  test("throws where the last good version lacks what it would start with, such as its certificates", async () => {
    const file = join(state, "mesh.yaml");
    const registry = JSON.stringify(fileURLToPath(new URL("../../../schemas/events", import.meta.url)));
    writeFileSync(file, `mesh: m\ntls: development\nregistry: ${registry}\nsubnets: { alpha: {} }\n`);
    await provision(readMeshFile(file), state);
    expect(whyBroken(file, state)).toBeUndefined();
    writeFileSync(file, "mesh: m\ntls: develop\n");
    expect(whyBroken(file, state)).toMatch(
      /starting the last good version of it:\n.*tls: must be development/,
    );
    rmSync(join(state, "keys", "tls"), { recursive: true });
    expect(() => whyBroken(file, state)).toThrow(/tls: must be development/);
  });
});

describe("stopProcesses()", () => {
  test("stops nothing where nothing runs", async () => {
    expect(await stopProcesses(state)).toBe(0);
  });

  test("stops what a supervisor that was killed has left behind, counts it and forgets it", async () => {
    const left = [running("nats-root"), running("root")];
    writeProcessTable(state, { supervisor: RECYCLED, children: [...left, RECYCLED] });
    expect(await stopProcesses(state)).toBe(2);
    expect(left.map(isRunning)).toEqual([false, false]);
    expect(existsSync(join(state, "run/processes.json"))).toBe(false);
  });

  test("stops the supervisor first, then what it has not stopped itself", async () => {
    const [supervisor, child] = [running("supervisor"), running("nats-root")];
    writeProcessTable(state, { supervisor, children: [child] });
    expect(await stopProcesses(state)).toBe(2);
    expect([isRunning(supervisor), isRunning(child)]).toEqual([false, false]);
  });
});
