import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants } from "node:fs";
import { openOwnLog } from "@adaos/config";

/** The shell becomes the program, with the same process id, once a line has come; when the pipe ends it ends. */
const WAIT_FOR_A_LINE = 'read -r _ && exec "$0" "$@" </dev/null';

/** A process that has an id and does nothing yet. */
export interface WaitingChild {
  readonly child: ChildProcess;
  /** Lets it become the program. */
  go(): void;
  /** Lets it end instead. */
  abandon(): void;
}

/**
 * Starts a process that does nothing before {@link WaitingChild.go}: whoever starts it can write down its id first. If
 * he dies before, it ends by itself. So no program ever runs that nobody knows of. Throws the system's error when the
 * program cannot be started.
 */
export function startWaiting(
  command: string,
  args: readonly string[],
  outputFile: string,
  env: NodeJS.ProcessEnv = {},
): WaitingChild {
  assertProgram(command);
  const output = openOwnLog(outputFile, "w");
  try {
    // Its own process group: a Ctrl-C is for the supervisor, which stops everything in order.
    const child = spawn("/bin/sh", ["-c", WAIT_FOR_A_LINE, command, ...args], {
      stdio: ["pipe", output, output],
      detached: true,
      env: { ...process.env, ...env },
    });
    // It may have been killed before it was told.
    child.stdin?.on("error", () => undefined);
    return { child, go: () => void child.stdin?.end("go\n"), abandon: () => void child.stdin?.end() };
  } finally {
    closeSync(output);
  }
}

/** The shell would say it in its own output, where nobody reads it at once. */
function assertProgram(command: string): void {
  try {
    accessSync(command, constants.X_OK);
  } catch (cause) {
    throw new Error(`cannot start ${command}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
