import { randomBytes } from "node:crypto";
import type { Logger } from "@adaos/core";
import { visibleText } from "@adaos/core/wire";
import pc from "picocolors";

type Colors = Pick<ReturnType<typeof pc.createColors>, "red" | "green" | "yellow" | "cyan" | "dim" | "bold">;

/**
 * Where a command writes: data on `out`, everything said about it on `say`. The styles of `colors` are the only part of
 * a line that commands the terminal. JSON goes through `visibleJson()` first, which keeps its value.
 */
export interface Terminal {
  /** Data, one line. */
  out(line: string): void;
  /** A message, one line. */
  say(line: string): void;
  readonly outIsTty: boolean;
  readonly colors: Colors;
}

/** The process's own streams. Colour only on a terminal, and never with NO_COLOR. */
export function processTerminal(): Terminal {
  const colored = process.stderr.isTTY === true && process.stdout.isTTY === true && !process.env["NO_COLOR"];
  // A reader that has seen enough (`| head`) ends the command quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const { out, say } = plainTerminal(
    (text) => void process.stdout.write(text),
    (text) => void process.stderr.write(text),
  );
  return { out, say, outIsTty: process.stdout.isTTY === true, colors: styles(colored) };
}

/** A terminal without colour that gives each line, its end included, to `out` or `say`. */
export function plainTerminal(out: (text: string) => void, say: (text: string) => void): Terminal {
  return {
    out: (line) => out(`${printable(line)}\n`),
    say: (line) => say(`${printable(line)}\n`),
    outIsTty: false,
    colors: styles(false),
  };
}

/** Begins one of our styles. It cannot be predicted outside this process, so a text from outside has no style. */
const STYLE = `\ue000${randomBytes(9).toString("base64url")}`;

/** Colours and weights that {@link printable} turns into those of a terminal; none unless `enabled`. */
export function styles(enabled: boolean): Colors {
  const { red, green, yellow, cyan, dim, bold } = pc.createColors(enabled);
  const own = (style: typeof red) => (text: Parameters<typeof red>[0]) =>
    style(visibleText(String(text))).replaceAll("\u001b", STYLE);
  return {
    red: own(red),
    green: own(green),
    yellow: own(yellow),
    cyan: own(cyan),
    dim: own(dim),
    bold: own(bold),
  };
}

/**
 * Without the characters that command a terminal or hide text: names and messages come from strangers. Line ends stay.
 */
export function printable(text: string): string {
  return visibleText(text).replaceAll(STYLE, "\u001b");
}

/** Lines of columns, each as wide as its widest cell. */
export function table(unchecked: readonly (readonly string[])[]): string[] {
  const rows = unchecked.map((row) => row.map((cell) => visibleText(cell).replaceAll(/[\n\t]/g, " ")));
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

/** A command reports an error once, at its end; connection events are printed only when they are errors. */
export function quietLog({ say }: Terminal): Logger {
  const silent = (): void => undefined;
  return { debug: silent, info: silent, warn: silent, error: (_fields, event) => say(event) };
}
