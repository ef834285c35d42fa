import { logFilePath } from "@adaos/config";
import type { Scene } from "./check.ts";

/**
 * What shows the end of a log, or its last lines with a word. A mesh with `logs: output` has no log files, and whatever
 * started the process keeps its output. Pure.
 */
export function logCommand(
  { layout, stateDir }: Pick<Scene, "layout" | "stateDir">,
  id: string,
  word?: string,
): string {
  if (layout.logs === "output") {
    const what = word === undefined ? "the last lines of" : `"${word}" in`;
    return `look for ${what} what ${id} printed (logs: output): docker logs, kubectl logs or journalctl`;
  }
  const file = logFilePath(stateDir, id);
  return word === undefined ? `tail -n 50 ${file}` : `grep ${word} ${file} | tail -n 20`;
}
