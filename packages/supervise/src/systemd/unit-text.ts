import { MeshError } from "@adaos/core";

/** One line of a unit: a comment, or a setting whose value is escaped already. */
export type UnitLine = readonly [key: string, value: string] | string;

export interface UnitSection {
  readonly name: "Unit" | "Service" | "Install";
  readonly lines: readonly UnitLine[];
}

/** The text of a unit file. Throws `usage` for a value that would not end with its line. Pure. */
export function renderUnit(head: readonly string[], sections: readonly UnitSection[]): string {
  for (const line of sections.flatMap(({ lines }) => lines)) {
    const value = typeof line === "string" ? line : line[1];
    if (/\p{Cc}|\\$/u.test(value))
      throw new MeshError(
        "usage",
        `${JSON.stringify(value)} cannot be written into a unit: it would go on in the next line; rename it`,
      );
  }
  const parts = sections.map(({ name, lines }) =>
    [`[${name}]`, ...lines.map((line) => (typeof line === "string" ? `# ${line}` : line.join("=")))].join(
      "\n",
    ),
  );
  return `${[head.map((line) => `# ${line}`).join("\n"), ...parts].join("\n\n")}\n`;
}

/** A value that systemd takes as it stands, apart from its specifiers. Throws `usage`. Pure. */
export function plainValue(text: string): string {
  return printable(text).replaceAll("%", "%%");
}

/** One word of a list: a path with spaces stays one. Throws `usage`. Pure. */
export function quotedWord(text: string): string {
  const escaped = plainValue(text).replaceAll(/["\\]/g, "\\$&");
  return `"${escaped}"`;
}

/**
 * A command line. systemd expands variables in the arguments, and not in the path of the program. Throws `usage`.
 * Pure.
 */
export function commandLine([program = "", ...args]: readonly string[]): string {
  return [quotedWord(program), ...args.map((arg) => quotedWord(arg).replaceAll("$", "$$$$"))].join(" ");
}

/** `KEY=value` for `Environment=`. Throws `usage`. Pure. */
export function environmentWord(key: string, value: string): string {
  return quotedWord(`${key}=${value}`);
}

/** A line end in a value would begin another setting. */
function printable(text: string): string {
  if (!/\p{Cc}/u.test(text) && text.trim() === text) return text;
  throw new MeshError(
    "usage",
    `${JSON.stringify(text)} cannot be written into a unit: it has control characters, or spaces at an end; rename it`,
  );
}
