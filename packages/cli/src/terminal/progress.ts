import type { Terminal } from "./terminal.ts";

const INTERVAL_MS = 1000;

/** Prints the progress of a command each second; a shorter command prints none. Safe to end twice. */
export function progress(terminal: Terminal, line: () => string): { end(): void } {
  const timer = setInterval(() => terminal.say(line()), INTERVAL_MS);
  return { end: () => clearInterval(timer) };
}
