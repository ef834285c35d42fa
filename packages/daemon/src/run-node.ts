import type { Tracing } from "@adaos/config";
import type { Logger } from "@adaos/core";
import type { DaemonEvent, Figure } from "@adaos/core/wire";
import { reportStart } from "./events/start-events.ts";
import { type MetricSource, Scrape } from "./metrics/scrape.ts";
import { type ScrapeListen, ScrapeServer } from "./metrics/scrape-server.ts";
import type { Part, PartHealth } from "./part.ts";
import { whyStuck } from "./progress.ts";
import { RunFileKeeper } from "./run-file.ts";
import { type NodeStatus, startStatusServer } from "./status-server.ts";
import { ServiceManager } from "./systemd/service-manager.ts";
import { startTelemetry } from "./telemetry/telemetry.ts";

export interface NodeOptions {
  /** `root`, `alpha/hub`, `alpha/kitchen`. */
  readonly node: string;
  readonly role: string;
  readonly http: { readonly host: string; readonly port: number };
  /** The address at which collectors of other machines scrape; none when absent. */
  readonly scrapedAt?: ScrapeListen | undefined;
  readonly runFile: string | undefined;
  readonly log: Logger;
  readonly tracing?: Tracing | undefined;
  /** In the order of their start; they stop in reverse. */
  readonly parts: readonly Part[];
  /** Sources that are read at a scrape. */
  readonly sources?: readonly MetricSource[];
  /** Certificate files of the node and of the server beside it: a scrape reports their end dates. */
  readonly certificates?: readonly string[];
  /** Publishes the events that report the start of this process. */
  readonly announce?: ((event: DaemonEvent) => void) | undefined;
}

/** Longest orderly stop. After it the process ends anyway, and unsettled messages are delivered again. */
const STOP_LIMIT_MS = 15_000;

/**
 * Runs one daemon until SIGTERM or SIGINT. Resolves with the exit code: 0 after a stop on request. Rejects when a part
 * cannot start.
 */
export async function runNode(options: NodeOptions): Promise<number> {
  const { node, role, log, announce } = options;
  const startedAt = new Date().toISOString();
  let endReport = (): void => undefined;
  const manager = ServiceManager.take(process.env, log);
  const stopped = stopSignal(log);
  const flushTelemetry = await startTelemetry({ component: role, node }, log, options.tracing);
  const started: Part[] = [];
  const status = (): NodeStatus => statusOf({ node, role, startedAt }, parts, started);
  const scrape = scrapeOf(options, status, started);
  const parts = withScrapeServer(options, scrape);
  const server = await startStatusServer(options.http, status, scrape);
  const statusUrl = `http://${options.http.host}:${server.port}`;
  const runFile = options.runFile === undefined ? undefined : new RunFileKeeper(options.runFile, log);
  try {
    runFile?.keep({ node, pid: process.pid, statusUrl, startedAt });
    log.info({ pid: process.pid, statusUrl }, "node starting");
    manager?.follow(status);
    for (const part of parts) {
      if (stopped.aborted) break;
      await part.start(stopped);
      started.push(part);
      log.info({ part: part.name }, "part started");
    }
    if (!stopped.aborted) {
      log.info({}, "node started");
      const startedMs = Math.round(performance.timeOrigin);
      if (announce !== undefined)
        endReport = reportStart({ node, role, startedMs }, () => status().ready, announce);
      await new Promise((resolve) => stopped.addEventListener("abort", resolve, { once: true }));
    }
    return 0;
  } finally {
    endReport();
    const limit = setTimeout(() => {
      log.error({ limitMs: STOP_LIMIT_MS }, "node stop took too long");
      process.exit(70);
    }, STOP_LIMIT_MS);
    const reported = manager?.stopping();
    for (const part of [...parts].reverse()) {
      try {
        await part.stop();
      } catch (err) {
        log.error({ part: part.name, err }, "part not stopped");
      }
    }
    await Promise.all([server.stop(), reported]);
    await flushTelemetry();
    runFile?.remove();
    clearTimeout(limit);
    log.info({}, "node stopped");
  }
}

function statusOf(
  identity: { readonly node: string; readonly role: string; readonly startedAt: string },
  parts: readonly Part[],
  started: readonly Part[],
): NodeStatus {
  const stuck: Record<string, string> = {};
  const health = parts.flatMap((part): [string, PartHealth][] => {
    if (!started.includes(part)) return [[part.name, { ready: false, reason: "is starting" }]];
    return [part, ...(part.parts?.() ?? [])].map((one) => {
      const progress = one.progress?.();
      const reason = progress === undefined ? undefined : whyStuck(progress);
      if (reason === undefined) return [one.name, one.health()];
      stuck[one.name] = reason;
      return [one.name, { ...one.health(), ready: false, reason }];
    });
  });
  const ready = health.every(([, { ready }]) => ready);
  const isStuck = Object.keys(stuck).length > 0;
  return {
    ...identity,
    pid: process.pid,
    ready,
    ...(isStuck ? { stuck } : {}),
    parts: Object.fromEntries(health),
  };
}

/** Starts it before all other parts, so that monitoring sees a fault in their start. */
function withScrapeServer({ scrapedAt, parts, log }: NodeOptions, scrape: Scrape): readonly Part[] {
  return scrapedAt === undefined ? parts : [new ScrapeServer(scrapedAt, scrape, log), ...parts];
}

function scrapeOf(
  { sources = [], certificates = [], log }: NodeOptions,
  status: () => NodeStatus,
  started: readonly Part[],
): Scrape {
  const figures = (): readonly Figure[] => started.flatMap((part) => part.figures?.() ?? []);
  return new Scrape({ status, figures, sources, certificates, log });
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process. */
function stopSignal(log: Logger): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      log.info({ signal: name }, "node stopping");
      controller.abort();
    });
  }
  // An unexpected error is our bug: log it and let the supervisor start again from a known state.
  process.on("unhandledRejection", (err) => {
    log.error({ err }, "unhandled rejection");
    process.exit(70);
  });
  process.on("uncaughtException", (err) => {
    log.error({ err }, "uncaught exception");
    process.exit(70);
  });
  return controller.signal;
}
