import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RecordingLog } from "../../../test/kit/stand-ins.ts";
import type { Part, PartHealth } from "./part.ts";
import { type Progress, Rounds } from "./progress.ts";
import type { RunFile } from "./run-file.ts";
import { type NodeOptions, runNode } from "./run-node.ts";

// Traces are replaced; this test checks only when the last of them are sent.
vi.mock("./telemetry/telemetry.ts", () => ({
  startTelemetry:
    async ({ component }: { component: string }) =>
    async () => {
      calls.push(`flush ${component}`);
    },
}));

const EVENTS = ["SIGTERM", "SIGINT", "unhandledRejection", "uncaughtException"] as const;
type EventName = (typeof EVENTS)[number];

let dir: string;
let runFile: string;
let log: RecordingLog;
let calls: string[];
let before: Map<EventName, readonly unknown[]>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-run-"));
  runFile = join(dir, "run/alpha_hub.json");
  log = new RecordingLog();
  calls = [];
  before = new Map(EVENTS.map((name) => [name, process.listeners(name as "SIGTERM")]));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const name of EVENTS) {
    for (const listener of added(name)) process.removeListener(name, listener as () => void);
  }
  rmSync(dir, { recursive: true });
});

/** The listeners that runNode() adds. */
function added(name: EventName): ((arg: unknown) => void)[] {
  return process
    .listeners(name as "SIGTERM")
    .filter((listener) => !before.get(name)?.includes(listener)) as ((arg: unknown) => void)[];
}

/** Sends the event as the operating system would, but only to runNode(). */
function send(name: EventName, arg?: unknown): void {
  for (const listener of added(name)) listener(arg);
}

class TestPart implements Part {
  readonly name: string;
  onStart: (signal: AbortSignal) => Promise<void> = async () => undefined;
  onStop: () => Promise<void> = async () => undefined;
  now: PartHealth = { ready: true };
  progress?: () => Progress;

  constructor(name: string) {
    this.name = name;
  }
  async start(signal: AbortSignal): Promise<void> {
    calls.push(`start ${this.name}`);
    await this.onStart(signal);
  }
  stop(): Promise<void> {
    calls.push(`stop ${this.name}`);
    return this.onStop();
  }
  health(): PartHealth {
    return this.now;
  }
}

/** The steps at the end: the traces of the stops themselves are sent, too. */
const IN_REVERSE = ["stop c", "stop b", "stop a", "flush hub"];

function partsOf(): [TestPart, TestPart, TestPart] {
  return [new TestPart("a"), new TestPart("b"), new TestPart("c")];
}

function run(parts: readonly Part[], changes: Partial<NodeOptions> = {}): Promise<number> {
  const http = { host: "127.0.0.1", port: 0 };
  return runNode({ node: "alpha/hub", role: "hub", http, runFile, log, parts, ...changes });
}

function told(): RunFile {
  return JSON.parse(readFileSync(runFile, "utf8"));
}

async function logged(event: string): Promise<void> {
  await vi.waitFor(() => expect(log.lines.map((line) => line.event)).toContain(event), 4000);
}

describe("runNode()", () => {
  test("starts parts in order, and at SIGTERM stops them in reverse and gives 0", async () => {
    const running = run(partsOf());
    await logged("node started");
    expect(calls).toEqual(["start a", "start b", "start c"]);
    send("SIGTERM");
    expect(await running).toBe(0);
    expect(calls.slice(3)).toEqual(IN_REVERSE);
    expect(log.lines.at(-1)?.event).toBe("node stopped");
  });

  test("says of a part that gets nowhere that it is stuck, however well the part thinks it is", async () => {
    const parts = partsOf();
    const rounds = new Rounds(50);
    parts[1].progress = () => rounds.progress;
    const running = run(parts);
    await logged("node started");
    const ask = async (): Promise<[number, unknown]> => {
      const response = await fetch(`${told().statusUrl}/api/system/health`);
      return [response.status, await response.json()];
    };
    expect(await ask()).toMatchObject([200, { status: "ok", ready: true }]);
    rounds.done();
    await vi.waitFor(async () =>
      expect(await ask()).toMatchObject([
        503,
        { status: "stuck", ready: false, reason: expect.stringMatching(/^b has got nowhere for \d+ s/) },
      ]),
    );
    rounds.done();
    rounds.rest();
    expect(await ask()).toMatchObject([200, { status: "ok", ready: true }]);
    send("SIGTERM");
    await running;
  });

  test("announces that it has started, and that it is ready once all parts are", async () => {
    const parts = partsOf();
    parts[2].now = { ready: false, reason: "no server" };
    const announced: string[] = [];
    const running = run(parts, { announce: ({ name }) => announced.push(name) });
    await logged("node started");
    expect(announced).toEqual(["system.boot.completed"]);
    parts[2].now = { ready: true };
    await vi.waitFor(() => expect(announced).toEqual(["system.boot.completed", "mesh.node.ready"]), 4000);
    send("SIGTERM");
    await running;
  });

  test("stops at SIGINT too", async () => {
    const running = run([]);
    await logged("node started");
    send("SIGINT");
    expect(await running).toBe(0);
  });

  test("tells in its run file, while it runs, which process it is and where it answers", async () => {
    const running = run(partsOf());
    await logged("node started");
    const { node, pid, statusUrl, startedAt } = told();
    expect([node, pid]).toEqual(["alpha/hub", process.pid]);
    expect(Date.parse(startedAt)).toBeLessThanOrEqual(Date.now());
    expect((await fetch(`${statusUrl}/readyz`)).status).toBe(200);
    send("SIGTERM");
    await running;
    expect(existsSync(runFile)).toBe(false);
    await expect(fetch(`${statusUrl}/healthz`)).rejects.toThrow();
  });

  test("is not ready while a part is starting or one is not well", async () => {
    const [a, b, c] = partsOf();
    let finish = (): void => undefined;
    b.onStart = () => new Promise((resolve) => (finish = resolve));
    const running = run([a, b, c]);
    await vi.waitFor(() => expect(calls).toContain("start b"), 4000);
    const ask = async (path: string): Promise<Response> => fetch(`${told().statusUrl}${path}`);
    expect((await ask("/readyz")).status).toBe(503);
    expect(await (await ask("/status")).json()).toMatchObject({
      node: "alpha/hub",
      role: "hub",
      ready: false,
      parts: {
        a: { ready: true },
        b: { ready: false, reason: "is starting" },
        c: { ready: false, reason: "is starting" },
      },
    });
    finish();
    await logged("node started");
    expect((await ask("/readyz")).status).toBe(200);
    a.now = { ready: false, reason: "no server" };
    expect((await ask("/readyz")).status).toBe(503);
    send("SIGTERM");
    await running;
  });

  test("stops every part in reverse when one cannot start, and rejects with why", async () => {
    const [a, b, c] = partsOf();
    const failure = new MeshError("invalid-config", "no disk");
    b.onStart = () => Promise.reject(failure);
    await expect(run([a, b, c])).rejects.toBe(failure);
    expect(calls).toEqual(["start a", "start b", ...IN_REVERSE]);
    expect(existsSync(runFile)).toBe(false);
  });

  test.each<[how: string, stop: () => Promise<void>]>([
    ["rejects", () => Promise.reject(new Error("stuck"))],
    [
      "throws",
      () => {
        throw new Error("stuck");
      },
    ],
  ])("stops the others when the stop of one %s, and logs it", async (_, stop) => {
    const [a, b, c] = partsOf();
    c.onStop = stop;
    const running = run([a, b, c]);
    await logged("node started");
    send("SIGTERM");
    expect(await running).toBe(0);
    expect(calls.slice(3)).toEqual(IN_REVERSE);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        level: "error",
        event: "part not stopped",
        fields: expect.objectContaining({ part: "c" }),
      }),
    );
  });

  test("starts no further part when asked to stop during a start, and aborts that one's signal", async () => {
    const [a, b, c] = partsOf();
    b.onStart = (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    const running = run([a, b, c]);
    await vi.waitFor(() => expect(calls).toContain("start b"), 4000);
    send("SIGTERM");
    expect(await running).toBe(0);
    expect(calls).toEqual(["start a", "start b", ...IN_REVERSE]);
  });

  test("rejects with invalid-config, everything stopped, when the run file cannot be written", async () => {
    writeFileSync(join(dir, "blocked"), "");
    const failing = run(partsOf(), { runFile: join(dir, "blocked/x.json") });
    await expect(failing).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringContaining("blocked/x.json cannot be written"),
    });
    expect(calls).toEqual(IN_REVERSE);
  });

  test("rejects with unavailable, nothing started, when its port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(run(partsOf(), { http: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(calls).toEqual([]);
    await new Promise((resolve) => other.close(resolve));
  });

  test("needs no run file", async () => {
    const running = run([], { runFile: undefined });
    await logged("node started");
    send("SIGTERM");
    expect(await running).toBe(0);
  });
});

describe("runNode(), when things go wrong", () => {
  function exitCodes(): unknown[] {
    const codes: unknown[] = [];
    vi.spyOn(process, "exit").mockImplementation(((code: unknown) => void codes.push(code)) as never);
    return codes;
  }

  test("ends the process with 70 when a stop takes longer than 15 s", async () => {
    const codes = exitCodes();
    const [a, b, c] = partsOf();
    let finish = (): void => undefined;
    b.onStop = () => new Promise((resolve) => (finish = resolve));
    const running = run([a, b, c]);
    await logged("node started");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    send("SIGTERM");
    await vi.advanceTimersByTimeAsync(14_999);
    expect(codes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(codes).toEqual([70]);
    finish();
    await running;
  });

  test("does not end a process later that has stopped in time", async () => {
    const codes = exitCodes();
    const running = run(partsOf());
    await logged("node started");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    send("SIGTERM");
    await running;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(codes).toEqual([]);
  });

  test("ends the process with 130 at a second signal", async () => {
    const codes = exitCodes();
    const running = run([]);
    await logged("node started");
    send("SIGTERM");
    send("SIGINT");
    expect(codes).toEqual([130]);
    await running;
  });

  test.each(["unhandledRejection", "uncaughtException"] as const)(
    "logs an %s and ends the process with 70",
    async (name) => {
      const codes = exitCodes();
      const running = run([]);
      await logged("node started");
      send(name, new Error("bug"));
      expect(codes).toEqual([70]);
      expect(log.lines.at(-1)).toMatchObject({ level: "error", fields: { err: new Error("bug") } });
      send("SIGTERM");
      await running;
    },
  );
});
