import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  findProgram,
  isExecutable,
  libraryPath,
  unpackDebianPackage,
  unpackedDir,
} from "@adaos/bench/programs";
import { freePort } from "./free-port.ts";

/** It must not appear in URLs, answers and logs. */
export const DATABASE_PASSWORD = "hunter2-Zq9";
const READY_MS = 60_000;
/** User id of `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

interface Program {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A real database server in a temporary folder, which can be killed and restarted. */
export interface DatabaseServer {
  readonly type: "postgresql" | "redis";
  readonly url: string;
  start(): Promise<void>;
  /** Like a power cut. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** A server of this type, not started; or the reason why this machine has none. */
export async function databaseServer(type: DatabaseServer["type"]): Promise<DatabaseServer | string> {
  const dir = mkdtempSync(join(tmpdir(), `adaos-${type}-`));
  try {
    const port = await freePort();
    return type === "redis"
      ? new Server(type, dir, port, redis(await findRedis(), dir, port))
      : await postgres(await findPostgres(), dir, port);
  } catch (thrown) {
    rmSync(dir, { recursive: true, force: true });
    return `no ${type} server: ${thrown instanceof Error ? thrown.message : thrown}`;
  }
}

/** From PATH, from the distribution's folder, or from its package, unpacked into the cache. */
async function findRedis(): Promise<Program> {
  const file = await findProgram("redis-server");
  if (file !== undefined) return { file, env: process.env };
  return unpacked("redis-server", async (root) => join(root, "usr/bin/redis-server"));
}

async function findPostgres(): Promise<Program> {
  const file = await postgresIn("/usr/lib/postgresql");
  if (file !== undefined) return { file, env: process.env };
  return unpacked("postgresql", async (root) => await postgresIn(join(root, "usr/lib/postgresql")));
}

async function postgresIn(root: string): Promise<string | undefined> {
  const versions = ((): string[] => {
    try {
      return readdirSync(root);
    } catch {
      return [];
    }
  })();
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) return undefined;
  const file = join(root, newest, "bin/postgres");
  return (await isExecutable(file)) ? file : undefined;
}

async function unpacked(
  name: string,
  fileIn: (root: string) => Promise<string | undefined>,
): Promise<Program> {
  const root = unpackedDir(name);
  const known = await fileIn(root);
  if (known === undefined || !(await isExecutable(known))) await unpackDebianPackage(name, () => undefined);
  const file = await fileIn(root);
  if (file === undefined) throw new Error(`the package ${name} holds no server`);
  return { file, env: { ...process.env, LD_LIBRARY_PATH: await libraryPath(root) } };
}

interface Command extends Program {
  readonly args: readonly string[];
  readonly url: string;
  readonly user?: number;
}

function redis({ file, env }: Program, dir: string, port: number): Command {
  const settings = {
    port,
    bind: "127.0.0.1",
    dir,
    save: "",
    appendonly: "no",
    requirepass: DATABASE_PASSWORD,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return { file, env, args, url: `redis://:${DATABASE_PASSWORD}@127.0.0.1:${port}` };
}

async function postgres({ file, env }: Program, dir: string, port: number): Promise<DatabaseServer> {
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? NOBODY : undefined;
  if (isRoot) chownSync(dir, NOBODY, NOBODY);
  const passwordFile = join(dir, "password");
  writeFileSync(passwordFile, DATABASE_PASSWORD, { mode: 0o644 });
  const data = join(dir, "data");
  const init = ["-D", data, "-U", "app", "-A", "scram-sha-256", "--pwfile", passwordFile, "-N", "-E", "UTF8"];
  const as = user === undefined ? {} : { uid: user, gid: user };
  await promisify(execFile)(file.replace(/postgres$/, "initdb"), init, {
    cwd: dir,
    env: { ...env, LC_ALL: "C" },
    timeout: READY_MS,
    ...as,
  });
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    fsync: "off",
    max_connections: "10",
    shared_buffers: "1MB",
  };
  const args = [
    "-D",
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  const url = `postgresql://app:${DATABASE_PASSWORD}@127.0.0.1:${port}/postgres`;
  const command = { file, env: { ...env, LC_ALL: "C" }, args, url, ...(user === undefined ? {} : { user }) };
  return new Server("postgresql", dir, port, command);
}

class Server implements DatabaseServer {
  readonly type: DatabaseServer["type"];
  readonly url: string;
  readonly #dir: string;
  readonly #port: number;
  readonly #command: Command;
  #child: ChildProcess | undefined;
  #said = "";

  constructor(type: DatabaseServer["type"], dir: string, port: number, command: Command) {
    this.type = type;
    this.url = command.url;
    this.#dir = dir;
    this.#port = port;
    this.#command = command;
  }

  async start(): Promise<void> {
    const deadlineMs = Date.now() + READY_MS;
    let child = this.#spawn();
    while (!(await accepts(this.#port))) {
      if (Date.now() > deadlineMs) throw new Error(`${this.type} does not start: ${this.#said}`);
      // The remaining processes of a killed PostgreSQL block the next one until they have ended.
      if (child.exitCode !== null || child.pid === undefined) child = this.#spawn();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #spawn(): ChildProcess {
    const { file, args, env, user } = this.#command;
    const as = user === undefined ? {} : { uid: user, gid: user };
    const child = spawn(file, [...args], { cwd: this.#dir, env, stdio: ["ignore", "pipe", "pipe"], ...as });
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString()).slice(-4000);
      });
    child.once("error", (error) => {
      this.#said = error.message;
    });
    this.#child = child;
    return child;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const end = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await end;
    // PostgreSQL's child processes notice its end a moment later.
    while (await accepts(this.#port)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => socket.destroy());
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
}
