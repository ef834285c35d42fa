import { resolveStateDir } from "@adaos/config";
import { type FailureFilter, hubServers, type OpenServer, withEach, withServers } from "@adaos/operations";
import { readLayout, type ServerLayout } from "@adaos/provision";
import { type Command, InvalidArgumentError } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../../options/options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

/** Options of every command about failures. */
export interface FailureOptions extends StateOptions, FailureFilter {}

/** `--at`, of every command over one subnet or all. */
export function withSubnet(command: Command): Command {
  return command
    .option("--at <subnet>", "one subnet (default: all)")
    .addOption(stateOption())
    .addOption(jsonOption());
}

export function withFilters(command: Command): Command {
  return withSubnet(
    command
      .option("--node <subnet/node>", "whose handler failed")
      .option("--durable <name>", "which durable")
      .option("--event <name>", "which event, or a prefix with its dot"),
  );
}

const MAX_LIMIT = 10_000;

/** `--limit`, of every command that keeps rows until it prints them. */
export function withLimit(command: Command): Command {
  return command.option("--limit <n>", "at most so many, the newest", parseLimit, 100);
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT) return limit;
  throw new InvalidArgumentError(`must be a whole number from 1 to ${MAX_LIMIT}`);
}

/** Runs `use` with each hub that the options mean, in turn. */
export async function withHubs(
  { state, at }: StateOptions & { readonly at?: string },
  terminal: Terminal,
  use: (server: OpenServer) => Promise<void>,
): Promise<void> {
  await withThoseThatAnswer(hubServers(readLayout(resolveStateDir(state)), at), terminal, use);
}

/**
 * Runs `use` with each server in turn. Of several servers, one that does not answer is left out and reported, and the
 * exit code is 69. With a single server its error is the command's.
 */
export async function withThoseThatAnswer(
  servers: readonly ServerLayout[],
  terminal: Terminal,
  use: (server: OpenServer) => Promise<void>,
): Promise<void> {
  if (servers.length === 1) return withServers(servers, use);
  for (const { error } of await withEach(servers, use)) {
    terminal.say(`left out ${error.message}`);
    process.exitCode = EXIT_CODES[error.code];
  }
}
