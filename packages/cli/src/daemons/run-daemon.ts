import type { NodeRole } from "@adaos/config";
import type { RunDaemon } from "./daemon.ts";

/** Only the daemon to run is loaded: it lives long, and memory counts. */
const DAEMONS: Readonly<Record<NodeRole, () => Promise<{ readonly run: RunDaemon }>>> = {
  root: () => import("./root.ts"),
  hub: () => import("./hub.ts"),
  member: () => import("./member.ts"),
};

/**
 * Runs the daemon of a node file until it gets a signal to stop; with a broken file it waits until the file is
 * repaired. Prints every error to standard error. Resolves with the exit code.
 */
export async function runDaemon(role: NodeRole, file: string): Promise<number> {
  return (await DAEMONS[role]()).run(file);
}
