import { existsSync, readFileSync } from "node:fs";
import { logFilePath, runFilePath } from "@adaos/config";
import type { ChaosMesh } from "../chaos-mesh.ts";

/** Losses in the logs of daemons, including killed ones. */
export interface LogLoss {
  /** Existing lines. */
  readonly lines: number;
  /** Lines that are cut off or mixed with others. */
  readonly torn: number;
  /** Observed starts of daemons. */
  readonly starts: number;
  /** Observed starts that are missing in the logs. */
  readonly missing: number;
}

interface Start {
  readonly pid: number;
  readonly startedAt: string;
}

/**
 * Observes the starts of daemons by the file that each writes just before its first log line. At the end it checks
 * that the logs contain them: a witness that does not depend on the logs.
 */
export class LogWitness {
  readonly #mesh: ChaosMesh;
  readonly #starts = new Map<string, Map<string, Start>>();

  constructor(mesh: ChaosMesh) {
    this.#mesh = mesh;
  }

  look(): void {
    const { layout, stateDir } = this.#mesh;
    // Output is not read again: what started the daemons keeps it.
    if (layout.logs === "output") return;
    for (const { id } of layout.nodes) {
      const start = startIn(runFilePath(stateDir, id));
      if (start === undefined) continue;
      const seen = this.#starts.get(id) ?? new Map<string, Start>();
      this.#starts.set(id, seen.set(`${start.pid} ${start.startedAt}`, start));
    }
  }

  count(): LogLoss {
    const found = [...this.#starts].map(([id, starts]) => {
      const file = logFilePath(this.#mesh.stateDir, id);
      const text = [`${file}.1`, file]
        .map((one) => (existsSync(one) ? readFileSync(one, "utf8") : ""))
        .join("");
      return logLossOf(text, [...starts.values()]);
    });
    const sum = (key: keyof LogLoss): number => found.reduce((total, one) => total + one[key], 0);
    return { lines: sum("lines"), torn: sum("torn"), starts: sum("starts"), missing: sum("missing") };
  }
}

/** Compares a log with the observed starts of its daemon. Starts before its first line were rotated away. Pure. */
export function logLossOf(text: string, starts: readonly Start[]): LogLoss {
  const lines = text.split("\n").filter((line) => line !== "");
  const entries = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as { readonly time: string; readonly event: string; readonly pid?: number }];
    } catch {
      return [];
    }
  });
  const firstAt = entries[0]?.time ?? "";
  const told = new Set(entries.filter(({ event }) => event === "node starting").map(({ pid }) => pid));
  const expected = starts.filter(({ startedAt }) => startedAt >= firstAt);
  return {
    lines: lines.length,
    torn: lines.length - entries.length,
    starts: expected.length,
    missing: expected.filter(({ pid }) => !told.has(pid)).length,
  };
}

/** The start of a running or killed daemon; undefined where there is none, or its file is just being replaced. */
function startIn(file: string): Start | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, "utf8")) as Start;
    return { pid, startedAt };
  } catch {
    return undefined;
  }
}
