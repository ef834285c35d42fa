import { type ChildProcess, execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main, plainTerminal } from "@adaos/cli/main";
import { type Bus, type ConnectOptions, connect } from "@adaos/client";
import { nodeFilePath, nodeId, readNodeFile, readServerAccess, runFilePath } from "@adaos/config";
import { readLayout } from "@adaos/provision";
import { askHealth, type MeshHealth } from "@adaos/supervise";
import { type Connection, openConnection } from "@adaos/transport-nats";
import type { NatsConnection } from "nats";

/** The checkout. */
export const HOME = fileURLToPath(new URL("../..", import.meta.url));
const CLI = join(HOME, "packages/cli/bin/adaos.mjs");

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CliOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** The script of another version. */
  readonly cli?: string;
}

/** A running `adaos`. */
export interface CliRun {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** Runs the real `adaos` as a separate process. */
export function adaos(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return beginAdaos(args, options).result;
}

/** Starts `adaos`, for a test that acts while it runs. */
export function beginAdaos(args: readonly string[], options: CliOptions = {}): CliRun {
  let end = (_: CliResult): void => undefined;
  const result = new Promise<CliResult>((resolve) => {
    end = resolve;
  });
  const child = execFile(
    process.execPath,
    [options.cli ?? CLI, ...args],
    { cwd: options.cwd ?? HOME, env: { ...process.env, ...options.env }, maxBuffer: 64 * 1024 * 1024 },
    (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      end({ code, stdout, stderr });
    },
  );
  child.stdin?.end(options.input ?? "");
  return { child, result };
}

/** Tests check the effects, not the messages. */
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Name of the connections over which tests ask servers about themselves. */
export const MONITOR = "test monitor";

/** The parts of a running mesh's `mesh.json` that tests use. */
export interface MeshLayout {
  readonly servers: readonly {
    name: string;
    of: string;
    url: string;
    seedFile: string;
    systemSeedFile: string;
    tls?: { caFile: string; certFile?: string; keyFile?: string };
  }[];
  readonly nodes: readonly { id: string; role: string; nodeFile: string }[];
}

/** A mesh of real servers and daemons, started by the real command line in a temporary folder. */
export class TestMesh {
  readonly dir: string;
  readonly state: string;
  readonly configFile: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #cli: string | undefined;
  readonly #buses: Bus[] = [];
  /** The command that runs in this process. */
  static #asking: Promise<unknown> = Promise.resolve();

  private constructor(dir: string, env: NodeJS.ProcessEnv, cli?: string) {
    this.dir = dir;
    this.#cli = cli;
    this.state = join(dir, "state");
    this.configFile = join(dir, "mesh.yaml");
    this.#env = env;
  }

  /**
   * Starts the mesh of this text; without one, of `deploy/mesh.yaml`. Registry paths are relative to the checkout.
   * `cli` is the script of another version.
   */
  static async start(
    options: { readonly yaml?: string; readonly env?: NodeJS.ProcessEnv; readonly cli?: string } = {},
  ): Promise<TestMesh> {
    const mesh = new TestMesh(mkdtempSync(join(tmpdir(), "adaos-test-")), options.env ?? {}, options.cli);
    const text = options.yaml ?? readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8");
    mesh.configure(text);
    await mesh.up();
    return mesh;
  }

  /** Rewrites the mesh file; `up()` reads it. */
  configure(yaml: string): void {
    const placed = yaml.replace("../schemas/events", join(HOME, "schemas/events"));
    // One process less for every mesh; tests of the viewer start their own, or say so in their text.
    writeFileSync(this.configFile, placed.replace(/^viewer: .*# adaos view .*\n/m, ""));
  }

  async up(): Promise<void> {
    const result = await this.adaos(["up", "--config", this.configFile, "--detach"]);
    if (result.code === 0) return;
    await this.adaos(["down"]);
    throw new Error(`adaos up: exit code ${result.code}\n${result.stderr}`);
  }

  /** Runs `adaos` against this mesh. */
  adaos(args: readonly string[], input?: string): Promise<CliResult> {
    return this.begin(args, input).result;
  }

  /**
   * As {@link adaos}, in this process: a process for each of hundreds of commands would take minutes to start. One
   * after the other, since they tell their exit code in `process.exitCode`.
   */
  ask(args: readonly string[]): Promise<CliResult> {
    const asked = TestMesh.#asking.then(() => this.#ask(args));
    TestMesh.#asking = asked.catch(() => undefined);
    return asked;
  }

  async #ask(args: readonly string[]): Promise<CliResult> {
    let [stdout, stderr] = ["", ""];
    const terminal = plainTerminal(
      (text) => {
        stdout += text;
      },
      (text) => {
        stderr += text;
      },
    );
    const before = process.exitCode;
    const unlisten = keepSignalListeners();
    process.exitCode = 0;
    try {
      const code = await main([...args, "--state", this.state], terminal);
      return { code, stdout, stderr };
    } finally {
      process.exitCode = before;
      unlisten();
    }
  }

  /** Starts `adaos` against this mesh, for a test that acts while it runs. */
  begin(args: readonly string[], input?: string): CliRun {
    return beginAdaos(args, {
      env: { ...this.#env, ADAOS_STATE: this.state },
      ...(this.#cli === undefined ? {} : { cli: this.#cli }),
      ...(input === undefined ? {} : { input }),
    });
  }

  /** The output of `adaos status --json`, without a process for each call, for a test that polls. */
  health(): Promise<MeshHealth> {
    return askHealth(readLayout(this.state), this.state);
  }

  /** Whether `adaos status` would exit with 0. */
  async isReady(): Promise<boolean> {
    return (await this.health()).ready;
  }

  async connect(as: string, options: Partial<ConnectOptions> = {}): Promise<Bus> {
    const bus = await connect({ as, state: this.state, log: SILENT, ...options });
    this.#buses.push(bus);
    return bus;
  }

  layout(): MeshLayout {
    return JSON.parse(readFileSync(join(this.state, "mesh.json"), "utf8")) as MeshLayout;
  }

  server(of: string): MeshLayout["servers"][number] {
    const server = this.layout().servers.find((candidate) => candidate.of === of);
    if (server === undefined) throw new Error(`no server of ${of}`);
    return server;
  }

  /**
   * A connection with the rights of the daemon that keeps a server's streams. Unlike the bare client's it retries:
   * a server that reloads its rights refuses new connections.
   */
  openService(of: string): Promise<Connection> {
    return openConnection({ ...readServerAccess(this.server(of)), name: "test", user: "test", log: SILENT });
  }

  /** A connection with a member's key and rights, without the library's checks. */
  openMember(member: string): Promise<Connection> {
    const [subnet = "", node = ""] = member.split("/");
    const { config, path } = readNodeFile(nodeFilePath(this.state, nodeId({ subnet, node })), "member");
    const access = readServerAccess(config.server, path);
    return openConnection({ ...access, name: "test", user: node, log: SILENT });
  }

  /** A server's answer over its system account: `LEAFZ`, `CONNZ`, `JSZ`, `VARZ`. */
  async monitor<T>(of: string, what: string, options: object = {}): Promise<T> {
    const server = this.server(of);
    const access = readServerAccess({ ...server, seedFile: server.systemSeedFile });
    const system = await openConnection({ ...access, name: MONITOR, user: "test", log: SILENT });
    try {
      const answer = await system.nc.request(`$SYS.REQ.SERVER.PING.${what}`, JSON.stringify(options));
      return answer.json<{ data: T }>().data;
    } finally {
      await system.close();
    }
  }

  /** Uses such a connection, and closes it. */
  async asService<T>(of: string, use: (nc: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await this.openService(of);
    try {
      return await use(connection.nc);
    } finally {
      await connection.close();
    }
  }

  /**
   * Waits until hubs and root have reported the start and the links, for a test that counts what a stream holds: from
   * now on only tests publish there.
   */
  async untilReported(): Promise<void> {
    const { statusUrl } = JSON.parse(readFileSync(runFilePath(this.state, "root"), "utf8")) as {
      readonly statusUrl: string;
    };
    const { parts } = (await (await fetch(`${statusUrl}/status`)).json()) as { readonly parts: object };
    const links = Object.keys(parts).flatMap((part) => /^link (?:up|down) (.+)$/.exec(part)?.[1] ?? []);
    for (const of of this.layout().servers.map((server) => server.of)) {
      if (of === "root") continue;
      const count = links.filter((subnet) => subnet === of).length;
      await until(`the links of ${of} are reported`, () =>
        this.asService(of, async (nc) => {
          const { streams } = await nc.jetstreamManager();
          const { state } = await streams.info(`EVENTS_${of}`, { subjects_filter: ">" });
          const stored = (node: string, name: string) =>
            state.subjects?.[`evt.${of}.${node}.mesh.${name}.v1`] ?? 0;
          const isReady = stored("hub", "node.ready") > 0 && stored("root", "node.ready") > 0;
          return isReady && stored("root", "link.up") >= count;
        }),
      );
    }
  }

  /** Process id of a daemon (`root`, `alpha/hub`), a server (`nats-root`) or the `supervisor`. */
  pid(name: string): number {
    const pid = this.pids().get(name);
    if (pid === undefined) throw new Error(`${name} is not running`);
    return pid;
  }

  /** Whether another process has replaced this one; between the two there is none. */
  isReplaced(name: string, before: number): boolean {
    return (this.pids().get(name) ?? before) !== before;
  }

  /** Every process of the mesh by its name. */
  pids(): ReadonlyMap<string, number> {
    const { supervisor, guard, children } = JSON.parse(
      readFileSync(join(this.state, "run/processes.json"), "utf8"),
    ) as { supervisor: { pid: number }; guard?: { pid: number }; children: { name: string; pid: number }[] };
    return new Map([
      ["supervisor", supervisor.pid],
      ...(guard === undefined ? [] : [["guard", guard.pid] as const]),
      ...children.map(({ name, pid }) => [name, pid] as const),
    ]);
  }

  /**
   * Stops processes by SIGSTOP, and the supervisor with them, which would kill them after a while. Returns the
   * function that continues them.
   */
  freeze(...names: readonly string[]): () => void {
    const pids = ["supervisor", ...names].map((name) => this.pid(name));
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    return () => {
      for (const pid of pids.toReversed()) process.kill(pid, "SIGCONT");
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    const result = await this.adaos(["down"]);
    if (result.code !== 0) throw new Error(`adaos down: exit code ${result.code}\n${result.stderr}`);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Polls until the condition holds. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() >= deadlineMs) throw new Error(`not so after ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Those of the processes that still run, and of the ports of this machine that are in use. */
export async function leftovers(pids: readonly number[], ports: readonly number[]): Promise<string[]> {
  const alive = pids.filter((pid) => {
    const stat = `/proc/${pid}/stat`;
    // A zombie has ended; only its parent has not collected it.
    return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
  });
  const open = await Promise.all(ports.map(isListening));
  return [
    ...alive.map((pid) => `process ${pid}`),
    ...ports.filter((_, i) => open[i]).map((port) => `port ${port}`),
  ];
}

/** A command that ends in its own process leaves its listeners for signals. Returns how to remove those added since. */
function keepSignalListeners(): () => void {
  const before = SIGNALS.map((signal) => [signal, process.listeners(signal)] as const);
  return () => {
    for (const [signal, kept] of before) {
      for (const listener of process.listeners(signal)) {
        if (!kept.includes(listener)) process.removeListener(signal, listener);
      }
    }
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
