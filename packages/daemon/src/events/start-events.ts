import { VERSION } from "@adaos/core/version";
import { type DaemonEvent, daemonEventId, every } from "@adaos/core/wire";

/** The process that has started. */
export interface StartedNode {
  /** `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly node: string;
  readonly role: string;
  /** Start of the process, milliseconds since the epoch. */
  readonly startedMs: number;
}

const LOOK_MS = 500;

/** All parts of the node have started: it takes part in the mesh. Pure. */
export function bootCompleted({ node, startedMs }: StartedNode, nowMs: number): DaemonEvent {
  const name = "system.boot.completed";
  const data = { node: node.split("/").at(-1), ...sinceStart(startedMs, nowMs) };
  return { id: daemonEventId(startedMs, name, node, startedMs), name, component: "system", data };
}

/** All parts of the node are ready. Pure. */
export function nodeReady({ node, role, startedMs }: StartedNode, nowMs: number): DaemonEvent {
  const name = "mesh.node.ready";
  const data = { node, role, ...sinceStart(startedMs, nowMs) };
  return { id: daemonEventId(startedMs, name, node, startedMs), name, data };
}

function sinceStart(startedMs: number, nowMs: number): object {
  return { version: VERSION, duration_ms: Math.max(0, Math.round(nowMs - startedMs)) };
}

/**
 * Reports a start by two events, each once for a process. A node that becomes unready later reports nothing more: its
 * health and the alerts show that.
 * @param isReady Whether all parts are ready now; asked until they are.
 * @returns Stops the wait for readiness.
 */
export function reportStart(
  node: StartedNode,
  isReady: () => boolean,
  announce: (event: DaemonEvent) => void,
): () => void {
  announce(bootCompleted(node, Date.now()));
  const look = (): void => {
    if (!isReady()) return;
    stop();
    announce(nodeReady(node, Date.now()));
  };
  const stop = every(LOOK_MS, look);
  look();
  return stop;
}
