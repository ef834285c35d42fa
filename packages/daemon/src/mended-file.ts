import { existsSync } from "node:fs";
import {
  type ConfigError,
  type NodeRole,
  nodeFileError,
  nodeOfFile,
  readLastGoodNode,
  runFilePath,
} from "@adaos/config";
import { every } from "@adaos/core/wire";
import { openLog } from "./log.ts";
import { stampOf } from "./node-file-watch.ts";
import { RunFileKeeper } from "./run-file.ts";
import { type NodeStatus, startStatusServer } from "./status-server.ts";

/** Only this machine can reach it, and it takes no port from another program. */
const HTTP = { host: "127.0.0.1", port: 0 };
const LOOK_MS = 500;

/**
 * Waits while a node file is broken and no last good version of it is known. Without a file a node has no rights: it
 * connects to nothing, and neither publishes nor receives. It reports the reason in its status, its log and to its
 * supervisor. Resolves with whether it may go on; not when it was told to stop. Throws `invalid-config` when there is
 * no such file.
 */
export async function untilReadable(file: string, role: NodeRole): Promise<boolean> {
  const error = whyUnreadable(file, role);
  if (error === undefined) return true;
  const { stateDir, id = role } = nodeOfFile(file) ?? {};
  const startedAt = new Date().toISOString();
  // The broken file itself would name the log's file.
  const log = openLog({ level: "info", base: { node: id } });
  const runFile = stateDir === undefined ? undefined : new RunFileKeeper(runFilePath(stateDir, id), log);
  let broken = error;
  let stamp = stampOf(file);
  const server = await startStatusServer(HTTP, () => statusOf({ node: id, role, startedAt }, broken));
  const statusUrl = `http://${HTTP.host}:${server.port}`;
  const tell = (): void => log.error({ "config.errors": [broken], statusUrl }, "node file broken");
  tell();
  try {
    runFile?.keep({ node: id, pid: process.pid, statusUrl, startedAt });
    return await new Promise<boolean>((resolve) => {
      const end = (isMended: boolean): void => {
        stopLooking();
        for (const signal of ["SIGTERM", "SIGINT"] as const) process.removeListener(signal, stop);
        resolve(isMended);
      };
      const stop = (): void => end(false);
      const stopLooking = every(LOOK_MS, () => {
        const seen = stampOf(file);
        // A file that is being replaced may be missing for a moment.
        if (seen === stamp || !existsSync(file)) return;
        stamp = seen;
        const now = whyUnreadable(file, role);
        if (now === undefined) return end(true);
        broken = now;
        tell();
      });
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, stop);
    });
  } finally {
    // Removed first, so that nobody asks an address that does not answer.
    runFile?.remove();
    await server.stop();
    log.info({ file }, "node file no longer waited for");
  }
}

/** Undefined when the file, or its last good version, can be read. Throws when there is no such file. */
function whyUnreadable(file: string, role: NodeRole): ConfigError | undefined {
  try {
    readLastGoodNode(file, role);
    return undefined;
  } catch (thrown) {
    if (!existsSync(file)) throw thrown;
    return nodeFileError(file, thrown, false);
  }
}

function statusOf(identity: Pick<NodeStatus, "node" | "role" | "startedAt">, error: ConfigError): NodeStatus {
  const { place = error.file, message, remedy } = error;
  const reason = `waits: ${place} ${message}; ${remedy}`;
  const config = { ready: false, reason, details: { errors: [error] } };
  return { ...identity, pid: process.pid, ready: false, parts: { config } };
}
