import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  isRunning,
  type ProcessTable,
  readProcessTable,
  recordOf,
  removeProcessTable,
  signalProcess,
  writeProcessTable,
} from "./process-table.ts";

const children: ChildProcess[] = [];

/** A process that lives until it is stopped; resolves when it runs this code. */
async function childOf(code = ""): Promise<{ pid: number; end: () => Promise<void>; ended: () => boolean }> {
  const script = `${code}; process.stdout.write("up"); setInterval(() => undefined, 1000)`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const end = (): Promise<void> => {
    child.kill("SIGKILL");
    return exited;
  };
  return { pid: child.pid ?? 0, end, ended: () => child.exitCode !== null || child.signalCode !== null };
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("isRunning()", () => {
  test("knows a process while it lives, and when it has ended", async () => {
    const child = await childOf();
    const record = recordOf("child", child.pid);
    expect(isRunning(record)).toBe(true);
    await child.end();
    expect(isRunning(record)).toBe(false);
  });

  test("knows this process", () => {
    expect(isRunning(recordOf("self", process.pid))).toBe(true);
  });

  test("does not take a later process of the same id for the earlier one", async () => {
    const child = await childOf();
    const { identity } = recordOf("child", child.pid);
    expect(isRunning({ name: "child", pid: child.pid, identity: `${identity}0` })).toBe(false);
    expect(isRunning({ name: "child", pid: child.pid, identity: "" })).toBe(false);
  });

  test("tells two processes apart", async () => {
    const record = recordOf("first", (await childOf()).pid);
    // Start times have a resolution of a hundredth of a second.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = recordOf("second", (await childOf()).pid);
    expect(isRunning({ ...second, identity: record.identity })).toBe(false);
  });

  test("does not run what has never run", () => {
    expect(isRunning(recordOf("nobody", 2 ** 22 + 1))).toBe(false);
  });

  test.runIf(process.platform === "linux")("knows that a zombie has ended", async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    children.push(parent);
    const printed = await new Promise((resolve) => parent.stdout.once("data", resolve));
    const record = recordOf("child", Number(printed));
    expect(isRunning(record)).toBe(true);
    await vi.waitFor(() => expect(isRunning(record)).toBe(false), 5000);
    expect(readFileSync(`/proc/${record.pid}/stat`, "utf8")).toMatch(/\) Z /);
  });

  test("is not misled by a process that calls itself a zombie", async () => {
    const child = await childOf('process.title = "x) Z 1 (y"');
    const record = recordOf("child", child.pid);
    expect(record.identity).toMatch(/\d+$/);
    expect(isRunning(record)).toBe(true);
  });
});

describe("signalProcess()", () => {
  test("ends that very process", async () => {
    const child = await childOf();
    signalProcess(recordOf("child", child.pid), "SIGTERM");
    await vi.waitFor(() => expect(child.ended()).toBe(true));
  });

  test("leaves alone a later process of the same id", async () => {
    const child = await childOf();
    signalProcess({ name: "child", pid: child.pid, identity: "1" }, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(child.ended()).toBe(false);
  });

  test("does nothing when the process has ended", async () => {
    const child = await childOf();
    const record = recordOf("child", child.pid);
    await child.end();
    expect(() => signalProcess(record, "SIGTERM")).not.toThrow();
  });
});

describe("writeProcessTable(), readProcessTable(), removeProcessTable()", () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "adaos-table-"));
  });
  afterEach(() => {
    rmSync(state, { recursive: true });
  });

  test("keep what they were given, as a whole file", () => {
    const table: ProcessTable = {
      supervisor: { name: "supervisor", pid: 1, identity: "2" },
      children: [{ name: "nats-root", pid: 3, identity: "4" }],
    };
    writeProcessTable(state, { ...table, children: [] });
    writeProcessTable(state, table);
    expect(readProcessTable(state)).toEqual(table);
    expect(readdirSync(join(state, "run"))).toEqual(["processes.json"]);
    removeProcessTable(state);
    expect(readProcessTable(state)).toBeUndefined();
  });

  test("find and remove nothing where nothing is", () => {
    removeProcessTable(state);
    expect([readProcessTable(state), existsSync(join(state, "run"))]).toEqual([undefined, false]);
  });
});
