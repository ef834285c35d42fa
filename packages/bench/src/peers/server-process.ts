import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { delay, within } from "@adaos/core/wire";

const READY_MS = 60_000;
const STOP_MS = 10_000;
const POLL_MS = 50;

const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

let isGuarded = false;

/** Leaves no server behind. A program with a signal handler gets the first signal to stop everything gracefully. */
function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.once("exit", killAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    let left = process.listenerCount(signal) > 0 ? 1 : 0;
    process.on(signal, () => {
      if (left-- > 0) return;
      killAll();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

export interface ServerOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Folder of its log `<name>.log`. */
  readonly dir: string;
  /** On 127.0.0.1; the server is ready once this port accepts connections. */
  readonly port: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** One server that a peer needs. */
export class ServerProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Rejects with `unavailable`, with the end of its log, when it does not get ready. */
  static async start(name: string, options: ServerOptions): Promise<ServerProcess> {
    guard();
    const { file, args, dir, port, env = process.env } = options;
    const logFile = join(dir, `${name}.log`);
    const log = openSync(logFile, "a");
    // A separate process group: Ctrl-C is for this process, which stops the server.
    const child = spawn(file, [...args], { cwd: dir, env, stdio: ["ignore", log, log], detached: true });
    closeSync(log);
    running.add(child);
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
      running.delete(child);
    });
    child.once("exit", () => running.delete(child));
    const server = new ServerProcess(child);
    const deadlineMs = Date.now() + READY_MS;
    while (!(await accepts(port))) {
      if (failure === undefined && !server.#hasEnded() && Date.now() < deadlineMs) {
        await delay(POLL_MS);
        continue;
      }
      await server.stop();
      const end = readFileSync(logFile, "utf8").trim().split("\n").slice(-3).join(" | ");
      throw new MeshError("unavailable", `${name} did not start: ${failure?.message ?? end}`);
    }
    return server;
  }

  /** Sends SIGTERM, and SIGKILL after a while. */
  async stop(): Promise<void> {
    const end = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.pid === undefined || this.#hasEnded()) return;
    this.#child.kill("SIGTERM");
    await within(end, STOP_MS);
    if (this.#hasEnded()) return;
    this.#child.kill("SIGKILL");
    await end;
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** Stops the later ones first; an incomplete list is fine. */
export async function stopAll(servers: readonly ServerProcess[]): Promise<void> {
  for (const server of [...servers].reverse()) await server.stop();
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Ports of 127.0.0.1 that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
