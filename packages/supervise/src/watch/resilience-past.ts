import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { ConfigError } from "@adaos/config";

/** A process that was restarted. Times are RFC 3339. */
export interface PastRestart {
  readonly at: string;
  readonly component: string;
  readonly reason: string;
}

/** A process that is well again. */
export interface PastRecovery {
  readonly at: string;
  readonly component: string;
  /** From the moment at which the supervisor noticed its end. */
  readonly took_ms: number;
}

/** A fault that `adaos chaos inject` has made, and what became of it. */
export interface PastFault {
  readonly at: string;
  readonly fault: string;
  readonly target: string;
  /** From the fault to the first event that was published after it and took effect; `null`: none did. */
  readonly flow_ms: number | null;
  /** From the fault until everything was ready. */
  readonly ready_ms: number | null;
  /** Components that were not ready in time. */
  readonly unready: readonly string[];
}

/** What `logs/system_resilience.log` tells of the past. */
export interface ResiliencePast {
  readonly restarts: readonly PastRestart[];
  readonly recoveries: readonly PastRecovery[];
  readonly faults: readonly PastFault[];
  /** Alerts that asked for a person. */
  readonly interventions: readonly PastRestart[];
  readonly config_errors: readonly { readonly at: string; readonly errors: readonly ConfigError[] }[];
  readonly lines: {
    /** Lines that were read. */
    readonly written: number;
    /** Lines that their writer could not write, on a full disk. */
    readonly dropped: number;
    /** Lines that were cut short. */
    readonly torn: number;
  };
  /** The log is longer: only its end was read. */
  readonly isCut: boolean;
}

/** How much of the log is read, from its end; some 20,000 lines. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
const MAX_EACH = 2000;
const MAX_TEXT = 300;

/** Reads the end of the log of a state folder. */
export function readResiliencePast(stateDir: string, sinceMs: number): ResiliencePast {
  const file = join(stateDir, "logs", "system_resilience.log");
  const now = readEnd(file, MAX_READ_BYTES);
  const before = readEnd(`${file}.1`, MAX_READ_BYTES - now.text.length);
  return resiliencePast(`${before.text}${now.text}`, sinceMs, now.isCut || before.isCut);
}

function readEnd(file: string, most: number): { readonly text: string; readonly isCut: boolean } {
  if (!existsSync(file)) return { text: "", isCut: false };
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, Math.max(0, most)));
    const read = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.subarray(0, read).toString("utf8");
    // The first line of a part is the end of one.
    return size > bytes.length
      ? { text: text.slice(text.indexOf("\n") + 1), isCut: true }
      : { text, isCut: false };
  } finally {
    closeSync(descriptor);
  }
}

type Line = Readonly<Record<string, unknown>> & { readonly ts: string; readonly event: string };

/** The lines of a log since a time. Pure. */
export function resiliencePast(text: string, sinceMs: number, isCut: boolean): ResiliencePast {
  let [written, dropped, torn] = [0, 0, 0];
  const found: Line[] = [];
  for (const one of text.split("\n")) {
    if (one === "") continue;
    const line = parsed(one);
    if (line === undefined) torn++;
    else if (Date.parse(line.ts) >= sinceMs) {
      written++;
      dropped += numberOf(line["dropped_lines"]) ?? 0;
      found.push(line);
    }
  }
  const of = <T>(events: readonly string[], read: (line: Line) => T): readonly T[] =>
    found
      .filter(({ event }) => events.includes(event))
      .slice(-MAX_EACH)
      .map(read);
  return {
    restarts: of(["process restarted", "supervisor restarted"], restartOf),
    recoveries: of(["process recovered"], (line) => {
      return { at: line.ts, component: textOf(line["component"]), took_ms: numberOf(line["took_ms"]) ?? 0 };
    }),
    faults: of([FAULT_INJECTED], faultOf),
    interventions: of(["restart does not help"], restartOf),
    config_errors: of(["config.errors"], (line) => {
      const errors = line["config.errors"];
      return { at: line.ts, errors: Array.isArray(errors) ? (errors as readonly ConfigError[]) : [] };
    }),
    lines: { written, dropped, torn },
    isCut,
  };
}

/** The line of a fault that was injected on purpose; its fields are those of its report. */
export const FAULT_INJECTED = "fault injected";

function restartOf(line: Line): PastRestart {
  return { at: line.ts, component: textOf(line["component"]), reason: textOf(line["reason"] ?? "died") };
}

function faultOf(line: Line): PastFault {
  const unready = line["unready"];
  return {
    at: line.ts,
    fault: textOf(line["fault"]),
    target: textOf(line["target"]),
    flow_ms: numberOf(line["flow_ms"]) ?? null,
    ready_ms: numberOf(line["ready_ms"]) ?? null,
    unready: Array.isArray(unready) ? unready.slice(0, 20).map(textOf) : [],
  };
}

function parsed(text: string): Line | undefined {
  try {
    const value = JSON.parse(text) as Line;
    return typeof value?.ts === "string" && typeof value.event === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
