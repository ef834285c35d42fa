import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
const END_LIMIT_MS = 10_000;

/**
 * Runs a command with a temporary folder of its own, and at its end kills every process that it started, also those
 * that left its process group: servers and daemons of meshes.
 * @param env Beside this process's own environment.
 * @returns the command's exit code; after a signal to this process, 128 and the signal's number.
 */
export async function runEndingAll(command, args, cwd, env = {}) {
  const dir = mkdtempSync(join(tmpdir(), "adaos-tests-"));
  // Servers that refuse to run as root run as another user, and reach their folders in it.
  chmodSync(dir, 0o711);
  const child = spawn(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env, TMPDIR: dir } });
  const code = await new Promise((resolve) => {
    child.once("error", () => resolve(70));
    child.once("exit", (status) => resolve(status ?? 70));
    for (const [signal, status] of Object.entries(SIGNALS)) process.on(signal, () => resolve(status));
  });
  const left = await endProcesses(dir);
  const wasStopped = Object.values(SIGNALS).includes(code);
  if (left > 0 && !wasStopped) console.error(`ended ${left} processes that tests had left`);
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  return code;
}

/** Kills all processes whose temporary files are in this folder, until there is none. Returns their number. */
async function endProcesses(dir) {
  const ended = new Set();
  const deadlineMs = Date.now() + END_LIMIT_MS;
  for (let pids = processesOf(dir); pids.length > 0; pids = processesOf(dir)) {
    if (Date.now() > deadlineMs) throw new Error(`processes of the tests do not end: ${pids.join(", ")}`);
    for (const pid of pids) {
      ended.add(pid);
      end(pid);
    }
    await delay(50);
  }
  return ended.size;
}

function end(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/**
 * A process inherits the folder with its environment, however distant. Linux only: other systems do not show it.
 */
function processesOf(dir) {
  return readdirs("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/environ`).split("\0").includes(`TMPDIR=${dir}`))
    .map(Number);
}

function readdirs(dir) {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** A zombie has no environment, so it is not found. */
function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
