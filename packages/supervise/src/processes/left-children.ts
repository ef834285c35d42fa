import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type ChildRecord, readProcessTable, recordOf } from "./process-table.ts";

/** Environment variable of each child: its name, and the state folder for which it runs. */
const KEPT = "ADAOS_KEPT";

export function keptFor(stateDir: string, name: string): NodeJS.ProcessEnv {
  return { [KEPT]: `${name} ${stateDir}` };
}

/**
 * The processes that a supervisor has started from this folder, whether or not they still run. It combines the process
 * table with, where the system shows it, the processes that carry the mark. The table alone may be lost, and two
 * servers must never share a store.
 */
export function leftChildren(stateDir: string): readonly ChildRecord[] {
  const written = readProcessTable(stateDir)?.children ?? [];
  const known = new Set(written.map(({ pid, identity }) => `${pid} ${identity}`));
  return [...written, ...marked(stateDir).filter(({ pid, identity }) => !known.has(`${pid} ${identity}`))];
}

function marked(stateDir: string): ChildRecord[] {
  if (process.platform !== "linux") return [];
  // A child's own children have its mark too. The servers that copy streams have their configs beside the store.
  const folders = ["servers", "nodes", "store"].map((name) => join(stateDir, name) + sep);
  return readdirSync("/proc").flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const mark = listAt(pid, "environ").find((pair) => pair.startsWith(`${KEPT}=`));
    const [name = "", ...folder] = mark?.slice(KEPT.length + 1).split(" ") ?? [];
    if (folder.join(" ") !== stateDir) return [];
    const command = listAt(pid, "cmdline");
    const isKept = command.some((argument) => folders.some((within) => argument.startsWith(within)));
    return isKept ? [{ ...recordOf(name, pid), command }] : [];
  });
}

/** The environment or arguments of a process; empty when it has ended or is another user's. */
function listAt(pid: number, what: "environ" | "cmdline"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
