import type { Logger } from "@adaos/core";

/** Lines of each kind that are logged singly; further lines are logged as a count. */
const FIRST = 5;
const SUMMARY_MS = 10_000;
const MAX_TEXT = 200;

type Level = keyof Logger;
type Fields = object;

interface Kind {
  /** Lines since the last line with a count. */
  count: number;
  sinceMs: number;
  left: number;
}

/**
 * A log for lines that another node can cause without limit: a few lines of each text, then one with a count every ten
 * seconds at most. Texts among the fields are cut.
 */
export class LimitedLog implements Logger {
  readonly #log: Logger;
  readonly #kinds = new Map<string, Kind>();

  constructor(log: Logger) {
    this.#log = log;
  }

  debug(fields: Fields, text: string): void {
    this.#write("debug", fields, text);
  }

  info(fields: Fields, text: string): void {
    this.#write("info", fields, text);
  }

  warn(fields: Fields, text: string): void {
    this.#write("warn", fields, text);
  }

  error(fields: Fields, text: string): void {
    this.#write("error", fields, text);
  }

  #write(level: Level, fields: Fields, text: string): void {
    const nowMs = performance.now();
    const kind = this.#kinds.get(text) ?? { count: 0, sinceMs: nowMs, left: FIRST };
    this.#kinds.set(text, kind);
    kind.count++;
    const passedMs = nowMs - kind.sinceMs;
    if (passedMs >= SUMMARY_MS) {
      // After a quiet time, lines are logged singly again.
      kind.left = kind.count <= FIRST ? FIRST - 1 : 0;
      const times = kind.count > 1 ? { count: kind.count, withinMs: Math.round(passedMs) } : {};
      kind.count = 0;
      kind.sinceMs = nowMs;
      this.#log[level]({ ...cut(fields), ...times }, text);
    } else if (kind.left > 0) {
      kind.left--;
      this.#log[level](cut(fields), text);
    }
  }
}

function cut(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "string" && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value,
    ]),
  );
}
