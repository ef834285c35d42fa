import type { Terminal } from "./terminal.ts";

const TELL_MS = 1000;

/** Says each second how far a command is; one that takes less says nothing. Safe to end twice. */
export function progress(terminal: Terminal, told: () => string): { end(): void } {
  const timer = setInterval(() => terminal.say(told()), TELL_MS);
  return { end: () => clearInterval(timer) };
}
