import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

const READ_BYTES = 16_384;
const MAX_LENGTH = 500;

/** The file to which a process of a mesh prints. Pure. */
export function outputFile(stateDir: string, name: string): string {
  return join(stateDir, "logs", `${name.replace("/", "_")}.out`);
}

/**
 * The error that a daemon has printed last, at most 500 characters; undefined without any. A daemon that cannot start
 * is only seen not to run, and here it has said why.
 */
export function lastErrorOf(stateDir: string, name: string): string | undefined {
  const line = endOf(outputFile(stateDir, name))
    .split("\n")
    .findLast((one) => one.startsWith("error "));
  return line?.slice("error ".length, MAX_LENGTH);
}

/** Empty where a mesh logs to its own output. */
function endOf(file: string): string {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, READ_BYTES));
    readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } catch {
    // It only explains another error.
    return "";
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
