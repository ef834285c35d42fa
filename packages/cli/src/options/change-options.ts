import { createInterface } from "node:readline/promises";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { InvalidArgumentError } from "commander";
import type { Terminal } from "../terminal/terminal.ts";

/** Options of every command that changes many things at once. */
export interface ChangeOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * Whether to continue. Only prints the plan when it is empty, or with `--dry-run`. Rejects with `usage` when there is
 * no terminal to ask on.
 * @param found counts of the affected things and of the rest.
 */
export async function confirmed(
  verb: string,
  thing: string,
  { count, ...rest }: { readonly count: number } & Readonly<Record<string, number>>,
  options: ChangeOptions,
  terminal: Terminal,
): Promise<boolean> {
  const all = counted(count, thing);
  if (options.dryRun === true || count === 0) {
    if (options.json === true)
      terminal.out(visibleJson({ [verb]: count, ...rest, dry_run: options.dryRun === true }));
    else terminal.say([`would ${verb} ${all}`, ...shown(rest)].join(", "));
    return false;
  }
  if (options.yes === true) return true;
  if (!process.stdin.isTTY) throw new MeshError("usage", `this would ${verb} ${all}; confirm with --yes`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${verb} ${all}? [y/N] `);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** The result, at the end. */
export function tellCounts(
  result: Readonly<Record<string, number>>,
  options: ChangeOptions,
  terminal: Terminal,
): void {
  terminal.out(options.json === true ? visibleJson(result) : shown(result).join(", "));
}

function shown(result: Readonly<Record<string, number>>): string[] {
  return Object.entries(result).map(([what, count]) => `${count} ${what}`);
}

/** `--rate N`. */
export function parseRate(text: string): number {
  const rate = Number(text);
  if (rate > 0 && rate <= 100_000) return rate;
  throw new InvalidArgumentError("must be a number above 0");
}
