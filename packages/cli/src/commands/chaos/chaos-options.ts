import { join, resolve } from "node:path";
import type { RouteWish } from "@adaos/chaos";
import { untilAsked } from "@adaos/supervise";
import { type Command, InvalidArgumentError } from "commander";
import { parseRate } from "../../options/change-options.ts";
import type { StateOptions } from "../../options/options.ts";
import { parseDuration } from "../../options/parse-time.ts";

/** Options of every command that lets events flow. */
export interface TrafficOptions extends StateOptions, RouteWish {
  readonly rate: number;
  readonly book?: string;
  /** Milliseconds. */
  readonly limit: number;
}

export function withTraffic(command: Command): Command {
  return command
    .option("--event <event>", "the event to publish (default: an event that the policy allows)")
    .option("--from <subnet/node>", "the member that publishes it")
    .option("--to <subnet/node>", "the member that handles it")
    .option("--rate <n>", "events a second", parseRate, 20)
    .option("--limit <time>", "longest wait for a recovery, and for the last events", parseSpan, 60_000)
    .option("--book <file>", "file of published events and effects (default: a new file)");
}

/** `60` or `60s`, `10m`, `2h`: milliseconds. */
export function parseSpan(text: string): number {
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms <= 7 * 86_400_000) return ms;
  throw new InvalidArgumentError("must be at most 7d");
}

/** The given book, or a new one among the logs of the mesh. */
export function bookFile({ book }: { readonly book?: string }, stateDir: string): string {
  if (book !== undefined) return resolve(book);
  return join(stateDir, "logs", `chaos-${new Date().toISOString().replaceAll(/[:.]/g, "-")}.jsonl`);
}

/** Aborts at the first Ctrl-C, or when the time is over; the running step ends in order. */
export function untilInterrupted(durationMs?: number): AbortSignal {
  const controller = new AbortController();
  void untilAsked().promise.then(() => controller.abort());
  // Not AbortSignal.timeout() within any(): Node 20 collects that signal, and it never aborts.
  if (durationMs !== undefined) setTimeout(() => controller.abort(), durationMs).unref();
  return controller.signal;
}
