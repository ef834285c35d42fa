import type { Logger } from "@adaos/core";
import pc from "picocolors";

/** Where a command writes: data on `out`, everything said about it on `say`. */
export interface Terminal {
  /** Data, one line. */
  out(line: string): void;
  /** A message, one line. */
  say(line: string): void;
  readonly outIsTty: boolean;
  readonly colors: ReturnType<typeof pc.createColors>;
}

/** The process's own streams. Colour only on a terminal, and never with NO_COLOR. */
export function processTerminal(): Terminal {
  const colored = process.stderr.isTTY === true && process.stdout.isTTY === true && !process.env["NO_COLOR"];
  // A reader that has seen enough (`| head`) ends the command quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${printable(line)}\n`),
    outIsTty: process.stdout.isTTY === true,
    colors: pc.createColors(colored),
  };
}

/** The colours and weights that messages have, and none that hides text or moves the cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what styles begin with.
const STYLES = /(\u001b\[(?:[0-2]|22|3[1-69]|90)m)/;

/**
 * Without the characters that command a terminal: names and messages come from strangers. Line ends and tabs stay, and the
 * styles of our own messages.
 */
export function printable(text: string): string {
  return text
    .split(STYLES)
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll(/(?![\n\t])\p{Cc}/gu, "\ufffd")))
    .join("");
}

/** Lines of columns, each as wide as its widest cell. */
export function table(unchecked: readonly (readonly string[])[]): string[] {
  const rows = unchecked.map((row) => row.map((cell) => printable(cell).replaceAll(/[\n\t]/g, " ")));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** What of a text fits into a cell. It may come from a stranger: nothing in it reaches the terminal as a command. */
export function firstLine(text: string, maxLength: number): string {
  const [line = ""] = text.split("\n", 1);
  return line.slice(0, maxLength).replaceAll(/\p{Cc}/gu, " ");
}

/** A command says what is wrong once, at its end; what the connection does meanwhile is told only when it is bad. */
export function quietLog({ say }: Terminal): Logger {
  const silent = (): void => undefined;
  return { debug: silent, info: silent, warn: silent, error: (_fields, event) => say(event) };
}
