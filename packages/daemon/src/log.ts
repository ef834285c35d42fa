import { closeSync, renameSync, statSync } from "node:fs";
import { openOwnLog } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { escapeUnseen } from "@adaos/core/wire";
import { destination, type Logger, pino, stdTimeFunctions } from "pino";

export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Destination of the JSON lines; standard output when absent. */
  readonly file?: string | undefined;
  /** Without a file: use standard error, as a library in another program should. */
  readonly toStandardError?: boolean;
  /** Fields of every line: mesh, node. */
  readonly base: Readonly<Record<string, string>>;
}

/** A log takes at most twice this: the file and the one before it. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const ROTATE_CHECK_MS = 10_000;

/**
 * A log of JSON lines that survives a crash: every line is written before the call returns. Throws MeshError
 * `invalid-config` when its file cannot be written.
 */
export function openLog(options: LogOptions): Logger {
  const settings = {
    level: options.level,
    base: options.base,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: "event",
    // People read the log on terminals, and errors quote the input of strangers.
    hooks: { streamWrite: (line: string) => escapeUnseen(line) },
    // A secret in a log outlives the log's rotation.
    redact: {
      paths: ["seed", "*.seed", "password", "*.password", "authorization", "*.authorization"],
      censor: "***",
    },
  };
  const { file } = options;
  if (file === undefined)
    return pino(settings, destination({ dest: options.toStandardError === true ? 2 : 1, sync: true }));
  const sink = openSink(file);
  const log = pino(settings, sink);
  const timer = setInterval(() => {
    if (sizeOf(file) < MAX_LOG_BYTES) return;
    try {
      renameSync(file, `${file}.1`);
      sink.reopen();
    } catch (err) {
      // A log that grows too large must not end its daemon.
      log.warn({ err }, "log not rotated");
    }
  }, ROTATE_CHECK_MS);
  timer.unref();
  return log;
}

function openSink(file: string): ReturnType<typeof destination> {
  try {
    closeSync(openOwnLog(file, "a"));
    return destination({ dest: file, append: true, sync: true, mode: 0o600 });
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `log file ${file} cannot be written`);
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
