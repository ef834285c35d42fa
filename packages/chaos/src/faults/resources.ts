import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, rmSync, statfsSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { serverProcesses } from "@adaos/provision";
import { signalProcess } from "@adaos/supervise";
import type { ChaosMesh } from "../chaos-mesh.ts";
import type { Fault } from "./fault.ts";

/** A larger disk may be a user's; only a small one, made for this, is filled. */
const MAX_FILLED_BYTES = 2 * 1024 ** 3;
const CHUNK_BYTES = 1024 ** 2;

const serverNames = (mesh: ChaosMesh): readonly string[] =>
  serverProcesses(mesh.layout).map(({ name }) => name);

export const takePort: Fault = {
  name: "take-port",
  summary: "a server is killed and another program takes its port; it leaves it later",
  losesEvents: false,
  targets: serverNames,
  begin: async ({ mesh, target }) => {
    const server = serverProcesses(mesh.layout).find(({ name }) => name === target);
    const port = Number(new URL(server?.url ?? "").port);
    const record = mesh.process(target);
    if (record !== undefined) signalProcess(record, "SIGKILL");
    const taker = createServer((socket) => socket.destroy());
    const taken = await new Promise<boolean>((resolve) => {
      const deadlineMs = Date.now() + 2000;
      const listen = (): void => void taker.listen(port, "127.0.0.1");
      taker.on("error", () => (Date.now() < deadlineMs ? setTimeout(listen, 5) : resolve(false)));
      taker.once("listening", () => resolve(true));
      listen();
    });
    return {
      detail: taken
        ? `${target} killed, port ${port} taken`
        : `${target} killed, and back before its port was taken`,
      end: () => new Promise((resolve) => (taken ? taker.close(() => resolve()) : resolve())),
    };
  },
};

export const fewDescriptors: Fault = {
  name: "few-descriptors",
  summary: "a server or daemon may open no further file or connection; the limit is lifted later",
  losesEvents: false,
  targets: (mesh) => (hasPrlimit() ? mesh.processes().map(({ name }) => name) : []),
  begin: async ({ mesh, target }) => {
    const record = mesh.process(target);
    if (record === undefined) return { detail: `${target} not running`, end: async () => undefined };
    const pid = String(record.pid);
    const open = readdirSync(`/proc/${pid}/fd`).length;
    const before = execFileSync("prlimit", ["--pid", pid, "--nofile", "--noheadings", "--output", "SOFT"], {
      encoding: "utf8",
    }).trim();
    setLimit(pid, String(open));
    return {
      detail: `${target} (${pid}) may open no more than its ${open} descriptors`,
      end: async () => {
        if (mesh.process(target)?.pid === record.pid) setLimit(pid, before);
      },
    };
  },
};

export const fillDisk: Fault = {
  name: "fill-disk",
  summary: "the disk of the state folder is full; room is made later (disks of up to 2 GiB only)",
  losesEvents: false,
  targets: ({ stateDir }) => {
    const { blocks, bsize } = statfsSync(stateDir);
    return blocks * bsize <= MAX_FILLED_BYTES ? ["disk"] : [];
  },
  begin: async ({ mesh }) => {
    const file = join(mesh.stateDir, "chaos.fill");
    const written = fill(file);
    return { detail: `${written} MiB written, disk full`, end: async () => rmSync(file, { force: true }) };
  },
};

function hasPrlimit(): boolean {
  try {
    execFileSync("prlimit", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function setLimit(pid: string, limit: string): void {
  execFileSync("prlimit", ["--pid", pid, `--nofile=${limit}:`], { stdio: "ignore" });
}

/** Writes until the disk is full. Returns the megabytes. */
function fill(file: string): number {
  const descriptor = openSync(file, "w", 0o600);
  const chunk = Buffer.alloc(CHUNK_BYTES, 1);
  let written = 0;
  try {
    for (; written * CHUNK_BYTES < MAX_FILLED_BYTES; written++) writeSync(descriptor, chunk);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
    // The last kilobytes too, so that a small file finds no room either.
    for (let bytes = CHUNK_BYTES; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      try {
        writeSync(descriptor, chunk.subarray(0, bytes));
      } catch (small) {
        if ((small as NodeJS.ErrnoException).code !== "ENOSPC") throw small;
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return written;
}
