import { readFileSync } from "node:fs";
import { runFilePath } from "@adaos/config";
import type { RunFile } from "@adaos/daemon";

/** The run file of a running daemon. Undefined for one that is just starting or has ended. */
export function readRunFile(stateDir: string, id: string): RunFile | undefined {
  try {
    return JSON.parse(readFileSync(runFilePath(stateDir, id), "utf8")) as RunFile;
  } catch {
    return undefined;
  }
}
