import type { NodeRole } from "@adaos/config";

/** Each daemon is loaded only when it is the one to run: it lives long and memory counts. */
const RUN: Readonly<Record<NodeRole, (file: string) => Promise<number>>> = {
  root: async (file) => {
    const { openJoinHandler } = await import("@adaos/supervise");
    return (await import("@adaos/root")).runRoot(file, openJoinHandler);
  },
  hub: async (file) => (await import("@adaos/hub")).runHub(file),
  member: async (file) => (await import("@adaos/member")).runMember(file),
};

export function isNodeRole(text: string): text is NodeRole {
  return Object.hasOwn(RUN, text);
}

/**
 * Runs the daemon of a node file until it is told to stop; one whose file is broken waits until it is mended. Resolves
 * with the exit code.
 */
export async function runDaemon(role: NodeRole, file: string): Promise<number> {
  const { untilReadable } = await import("@adaos/daemon");
  return (await untilReadable(file, role)) ? RUN[role](file) : 0;
}
