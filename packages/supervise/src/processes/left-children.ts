import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type ChildRecord, readProcessTable, recordOf } from "./process-table.ts";

/** In the environment of each child: its name, and the state folder for which it runs. */
const KEPT = "ADAOS_KEPT";

export function keptFor(stateDir: string, name: string): NodeJS.ProcessEnv {
  return { [KEPT]: `${name} ${stateDir}` };
}

/**
 * What a supervisor has started from this folder, whether or not it still runs: what it has written down and, where
 * the system tells, what carries its mark. The table alone may be lost, and two servers must never have one store.
 */
export function leftChildren(stateDir: string): readonly ChildRecord[] {
  const written = readProcessTable(stateDir)?.children ?? [];
  const known = new Set(written.map(({ pid, identity }) => `${pid} ${identity}`));
  return [...written, ...marked(stateDir).filter(({ pid, identity }) => !known.has(`${pid} ${identity}`))];
}

function marked(stateDir: string): ChildRecord[] {
  if (process.platform !== "linux") return [];
  // What such a process has started itself has its mark too.
  const folders = ["servers", "nodes"].map((name) => join(stateDir, name) + sep);
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

/** What a process has been given; nothing where it has ended or is another user's. */
function listAt(pid: number, what: "environ" | "cmdline"): string[] {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
