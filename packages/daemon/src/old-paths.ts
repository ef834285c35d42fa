import type { ConfigError } from "@adaos/config";
import type { NodeStatus } from "./status-server.ts";

/** Paths of the backend before this one, which test tools and dashboards still use. */
export const OLD_PATHS = {
  metrics: "/api/system/metrics",
  summary: "/api/metrics/v0_1/summary",
} as const;

/** The machine's resources that a process has used. */
export interface ProcessUse {
  readonly uptimeS: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** Processor time since its start, in the process and in the system for it. */
  readonly cpuS: number;
}

export function processUse(): ProcessUse {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { uptimeS: process.uptime(), rssBytes: rss, heapUsedBytes: heapUsed, cpuS: (user + system) / 1e6 };
}

/** The answer to an old path, as JSON; undefined for any other path. Pure. */
export function answerOldPath(
  path: string,
  { node, role, ready, stuck, parts }: NodeStatus,
  errors: readonly ConfigError[],
  use: ProcessUse,
): object | undefined {
  if (path === OLD_PATHS.metrics) {
    const { uptimeS, rssBytes, heapUsedBytes, cpuS } = use;
    return {
      node,
      role,
      ready,
      uptime_s: Math.round(uptimeS),
      memory: { rss_bytes: rssBytes, heap_used_bytes: heapUsedBytes },
      cpu_s: cpuS,
      parts: Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.ready])),
    };
  }
  if (path !== OLD_PATHS.summary) return undefined;
  // Only the supervisor has a part that counts restarts.
  const { restarts, recovery, alerts, droppedLines } = parts["watchdog"]?.details ?? {};
  return {
    version: "v0_1",
    node,
    ready,
    stuck: Object.keys(stuck ?? {}),
    config: { errors },
    ...(restarts === undefined
      ? {}
      : {
          restarts,
          recovery,
          lost_log_lines: droppedLines,
          // Repairs by the node itself do not count; each of these needs a person.
          manual_interventions: (alerts as readonly unknown[]).length,
        }),
  };
}
