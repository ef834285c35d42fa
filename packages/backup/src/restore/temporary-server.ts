import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, readdirSync, readFileSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { openOwnLog, writeSecret } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { delay, messageOf } from "@adaos/core/wire";
import { renderConf } from "@adaos/nats-server";
import { connect, type NatsConnection } from "nats";

const START_MS = 20_000;
const POLL_MS = 50;
const STOP_MS = 30_000;
/** Larger than any server of a mesh allows. */
const MAX_PAYLOAD = 8_388_608;

export interface TemporaryServerOptions {
  /** The nats-server program. */
  readonly program: string;
  /** Where the streams are to be. */
  readonly storeDir: string;
  /** The account that is to have them. */
  readonly account: string;
  /** For its config and log; the caller removes it. */
  readonly workDir: string;
  /** Key of the streams on disk; without it they are not encrypted. */
  readonly keyFile?: string | undefined;
  /** Added to the environment of the server. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/**
 * Runs `use` with a connection to a server that nobody else can reach, and which keeps its streams in a folder. When it
 * resolves, the server has ended and all is on disk. Rejects with `unavailable`, or as `use` does.
 */
export async function withTemporaryServer(
  options: TemporaryServerOptions,
  use: (nc: NatsConnection) => Promise<void>,
): Promise<void> {
  const { program, storeDir, account, workDir, keyFile, env } = options;
  const password = randomBytes(24).toString("hex");
  const config = join(workDir, "server.conf");
  writeSecret(
    config,
    renderConf({
      server_name: "restore",
      host: "127.0.0.1",
      port: -1,
      ports_file_dir: workDir,
      max_payload: MAX_PAYLOAD,
      jetstream: {
        store_dir: storeDir,
        // Of streams with another cipher the server changes it at their start.
        ...(keyFile === undefined ? {} : { cipher: "chacha", include: relative(workDir, keyFile) }),
      },
      accounts: { [account]: { jetstream: "enabled", users: [{ user: "restore", password }] } },
    }),
  );
  const logFile = join(workDir, "server.log");
  const log = openOwnLog(logFile, "w");
  const child = spawn(program, ["-c", config], {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  let nc: NatsConnection | undefined;
  try {
    const servers = await addressOf(child, workDir, logFile);
    nc = await connect({ servers, user: "restore", pass: password, reconnect: false });
    await use(nc);
  } catch (cause) {
    throw MeshError.from(
      cause,
      "unavailable",
      `the server for restoring failed (${messageOf(lastLine(logFile))})`,
    );
  } finally {
    await nc?.close();
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(killer);
  }
  await syncAll(storeDir);
}

async function addressOf(child: ChildProcess, workDir: string, logFile: string): Promise<string> {
  const untilMs = performance.now() + START_MS;
  while (performance.now() < untilMs) {
    if (child.exitCode !== null || child.pid === undefined)
      throw new MeshError("unavailable", `the server for restoring did not start: ${lastLine(logFile)}`);
    const file = readdirSync(workDir).find((name) => name.endsWith(".ports"));
    const text = file === undefined ? "" : readFileSync(join(workDir, file), "utf8");
    const address = /"(nats:\/\/[^"]+)"/.exec(text)?.[1];
    if (address !== undefined) return address;
    await delay(POLL_MS);
  }
  throw new MeshError("unavailable", `the server for restoring did not start within ${START_MS} ms`);
}

function lastLine(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
}

/** The server syncs little while it restores. */
async function syncAll(dir: string): Promise<void> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  for (const path of [dir, ...entries.map((entry) => join(entry.parentPath, entry.name))]) {
    const handle = await open(path, "r");
    await handle.sync().finally(() => handle.close());
  }
}
