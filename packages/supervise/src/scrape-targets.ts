import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { readNodeFile, runFilePath } from "@adaos/config";
import { MeshError } from "@adaos/core";
import type { RunFile } from "@adaos/daemon";
import type { Layout, NodeLayout } from "@adaos/provision";
import { SUPERVISOR } from "./processes/process-table.ts";

const ANY_HOST = "0.0.0.0";

/** An entry of Prometheus' file service discovery. */
export interface ScrapeTarget {
  /** `host:port`. */
  readonly targets: readonly string[];
  /** No `node` label: it names the node that a series describes, which may be another one. */
  readonly labels: { readonly mesh: string; readonly daemon: string; readonly __scheme__?: "https" };
}

/** The scrape addresses of a state folder's running daemons, and the daemons that do not run. */
export function scrapeTargets(
  { mesh, nodes }: Layout,
  stateDir: string,
): { readonly targets: readonly ScrapeTarget[]; readonly silent: readonly string[] } {
  const targets: ScrapeTarget[] = [];
  const silent: string[] = [];
  for (const daemon of [SUPERVISOR, ...nodes.map(({ id }) => id)]) {
    const address = addressOf(runFilePath(stateDir, daemon));
    if (address === undefined) silent.push(daemon);
    else targets.push({ targets: [address], labels: { mesh, daemon } });
  }
  return { targets, silent };
}

/**
 * The addresses at which collectors of other machines scrape a state folder's daemons, running or not. Also names the
 * daemons without such an address. Throws `invalid-config`.
 */
export function remoteScrapeTargets({ mesh, nodes }: Layout): {
  readonly targets: readonly ScrapeTarget[];
  readonly silent: readonly string[];
} {
  const targets: ScrapeTarget[] = [];
  const silent: string[] = [];
  for (const { id: daemon, role, nodeFile } of nodes) {
    const metrics = metricsOf(role, nodeFile);
    if (metrics === undefined) {
      silent.push(daemon);
      continue;
    }
    const { host, port, tls } = metrics;
    const address = `${host === ANY_HOST ? hostname() : host}:${port}`;
    const scheme = tls === undefined ? {} : { __scheme__: "https" as const };
    targets.push({ targets: [address], labels: { mesh, daemon, ...scheme } });
  }
  return { targets, silent };
}

function metricsOf(
  role: NodeLayout["role"],
  file: string,
): ReturnType<typeof readNodeFile>["config"]["metrics"] {
  return readNodeFile(file, role).config.metrics;
}

function addressOf(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return new URL((JSON.parse(readFileSync(file, "utf8")) as RunFile).statusUrl).host;
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${file} cannot be read; remove it and restart its daemon`);
  }
}
