import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, closeSync, constants } from "node:fs";
import { openOwnLog } from "@adaos/config";

/** The shell becomes the program, with the same process id, when a line comes. When the pipe ends, the shell ends. */
const WAIT_FOR_A_LINE = 'read -r _ && exec "$0" "$@" </dev/null';

/** A process that has an id and does nothing yet. */
export interface WaitingChild {
  readonly child: ChildProcess;
  /** Lets the process become the program. */
  go(): void;
  /** Ends the process instead. */
  abandon(): void;
}

/**
 * Starts a process that does nothing before {@link WaitingChild.go}, so that its starter can record its id first. If
 * the starter dies before, the process ends by itself. So no program ever runs unrecorded. Throws the system's error
 * when the program cannot be started.
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
    // Its own process group: a Ctrl-C is meant for the supervisor, which stops everything in order.
    const child = spawn("/bin/sh", ["-c", WAIT_FOR_A_LINE, command, ...args], {
      stdio: ["pipe", output, output],
      detached: true,
      env: { ...process.env, ...env },
    });
    // The process may have been killed before the line was written.
    child.stdin?.on("error", () => undefined);
    return { child, go: () => void child.stdin?.end("go\n"), abandon: () => void child.stdin?.end() };
  } finally {
    closeSync(output);
  }
}

/** The shell would report it in its own output, which nobody reads at once. */
function assertProgram(command: string): void {
  try {
    accessSync(command, constants.X_OK);
  } catch (cause) {
    throw new Error(`cannot start ${command}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
