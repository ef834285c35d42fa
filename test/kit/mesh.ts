import { type ChildProcess, execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bus, type ConnectOptions, connect } from "@adaos/client";
import { nodeFilePath, nodeId, readNodeFile, readServerAccess } from "@adaos/config";
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
}

/** A run of `adaos` that has begun. */
export interface CliRun {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
}

/** Runs the real `adaos` as a process of its own. */
export function adaos(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return beginAdaos(args, options).result;
}

/** Begins to run it, for a test that does something to it meanwhile. */
export function beginAdaos(args: readonly string[], options: CliOptions = {}): CliRun {
  let end = (_: CliResult): void => undefined;
  const result = new Promise<CliResult>((resolve) => {
    end = resolve;
  });
  const child = execFile(
    process.execPath,
    [CLI, ...args],
    { cwd: options.cwd ?? HOME, env: { ...process.env, ...options.env }, maxBuffer: 64 * 1024 * 1024 },
    (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      end({ code, stdout, stderr });
    },
  );
  child.stdin?.end(options.input ?? "");
  return { child, result };
}

/** Tests look at what happens, not at what is said of it. */
const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

/** Name of the connections over which tests ask servers about themselves. */
export const MONITOR = "test monitor";

/** What `mesh.json` of a running mesh says, as far as tests use it. */
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

/** A mesh of real servers and daemons, started by the real command line in a folder of its own. */
export class TestMesh {
  readonly dir: string;
  readonly state: string;
  readonly configFile: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #buses: Bus[] = [];

  private constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    this.state = join(dir, "state");
    this.configFile = join(dir, "mesh.yaml");
    this.#env = env;
  }

  /** Starts the mesh of this text; without one, of `deploy/mesh.yaml`. Registry paths are seen from the checkout. */
  static async start(
    options: { readonly yaml?: string; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<TestMesh> {
    const mesh = new TestMesh(mkdtempSync(join(tmpdir(), "adaos-test-")), options.env ?? {});
    const text = options.yaml ?? readFileSync(join(HOME, "deploy/mesh.yaml"), "utf8");
    mesh.configure(text);
    await mesh.up();
    return mesh;
  }

  /** Writes the mesh file anew; `up()` reads it. */
  configure(yaml: string): void {
    writeFileSync(this.configFile, yaml.replace("../schemas/events", join(HOME, "schemas/events")));
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

  /** Begins to run `adaos` against this mesh, for a test that does something to it meanwhile. */
  begin(args: readonly string[], input?: string): CliRun {
    return beginAdaos(args, {
      env: { ...this.#env, ADAOS_STATE: this.state },
      ...(input === undefined ? {} : { input }),
    });
  }

  /** What `adaos status --json` prints, for a test that asks again and again: no process is started for a question. */
  health(): Promise<MeshHealth> {
    return askHealth(readLayout(this.state), this.state);
  }

  /** Whether `adaos status` would end with 0. */
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
   * A connection with the rights of the daemon that keeps a server's streams. Not the bare client's: a server that
   * takes new rights refuses whoever is just connecting, and this dials again.
   */
  openService(of: string): Promise<Connection> {
    return openConnection({ ...readServerAccess(this.server(of)), name: "test", user: "test", log: SILENT });
  }

  /** A connection with a member's key and rights, and nothing of what the library checks. */
  openMember(member: string): Promise<Connection> {
    const [subnet = "", node = ""] = member.split("/");
    const { config, path } = readNodeFile(nodeFilePath(this.state, nodeId({ subnet, node })), "member");
    const access = readServerAccess(config.server, path);
    return openConnection({ ...access, name: "test", user: node, log: SILENT });
  }

  /** What a server tells over its system account: `LEAFZ`, `CONNZ`, `JSZ`, `VARZ`. */
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

  /** Does something with such a connection. */
  async asService<T>(of: string, use: (nc: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await this.openService(of);
    try {
      return await use(connection.nc);
    } finally {
      await connection.close();
    }
  }

  /** Process id of a daemon (`root`, `alpha/hub`), a server (`nats-root`) or the `supervisor`. */
  pid(name: string): number {
    const pid = this.pids().get(name);
    if (pid === undefined) throw new Error(`${name} is not running`);
    return pid;
  }

  /** Whether another process has taken the place of this one; between the two there is none. */
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
   * Makes processes stand still, and the supervisor with them, which would end them after a while. Returns what lets
   * them go on.
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

/** Asks again and again until it is so. */
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

/** Which of these processes still run, and on which of these ports of this machine something listens. */
export async function leftovers(pids: readonly number[], ports: readonly number[]): Promise<string[]> {
  const alive = pids.filter((pid) => {
    const stat = `/proc/${pid}/stat`;
    // A zombie has ended; only its parent has not noticed.
    return existsSync(stat) && !/\) Z /.test(readFileSync(stat, "utf8"));
  });
  const open = await Promise.all(ports.map(isListening));
  return [
    ...alive.map((pid) => `process ${pid}`),
    ...ports.filter((_, i) => open[i]).map((port) => `port ${port}`),
  ];
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
