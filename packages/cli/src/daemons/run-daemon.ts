import type { NodeRole } from "@adaos/config";
import type { RunDaemon } from "./daemon.ts";

/** Each daemon is loaded only when it is the one to run: it lives long and memory counts. */
const DAEMONS: Readonly<Record<NodeRole, () => Promise<{ readonly run: RunDaemon }>>> = {
  root: () => import("./root.ts"),
  hub: () => import("./hub.ts"),
  member: () => import("./member.ts"),
};

/**
 * Runs the daemon of a node file until it is told to stop; one whose file is broken waits until it is mended. Tells
 * every error on standard error. Resolves with the exit code.
 */
export async function runDaemon(role: NodeRole, file: string): Promise<number> {
  return (await DAEMONS[role]()).run(file);
}
