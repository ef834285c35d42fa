import { counted, visibleJson } from "@adaos/core/wire";
import { isDamaged, type KnownLoss, knownLosses, type StoreRow, verifyStore } from "@adaos/operations";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { progress } from "../../terminal/progress.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { type StoreOptions, withStores } from "./store-options.ts";

interface VerifyOptions extends StoreOptions {
  readonly deep?: boolean;
}

export function storeVerifyCommand(terminal: Terminal): Command {
  return new Command("verify")
    .description("whether each stream still has its messages; exits with 65 when one has lost any")
    .option("--at <subnet>", "one subnet, or the root (default: all)")
    .option("--deep", "read every message")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nWhat was lost before is reported too; that alone is no reason for exit code 65.")
    .addHelpText("after", "\nExample:\n  adaos store verify --deep --at alpha")
    .action(async (options: VerifyOptions) => {
      const rows: StoreRow[] = [];
      const known: (KnownLoss & { readonly of: string })[] = [];
      let read = 0;
      const ticker = progress(
        terminal,
        () => `${counted(rows.length, "stream")}, ${counted(read, "message")} read`,
      );
      const onRead = (messages: number): void => {
        read += messages;
      };
      try {
        await withStores(options, terminal, async (server, stateDir) => {
          const isDeep = options.deep === true;
          for await (const row of verifyStore(server, stateDir, { isDeep, onRead })) rows.push(row);
          known.push(...knownLosses(stateDir, server.of).map((loss) => ({ of: server.of, ...loss })));
        });
      } finally {
        ticker.end();
      }
      const damaged = rows.filter(isDamaged).length;
      if (options.json === true) terminal.out(visibleJson({ damaged, streams: rows, known_losses: known }));
      else print(rows, known, terminal);
      terminal.say(`${counted(rows.length, "stream")}, ${damaged} damaged`);
      if (damaged > 0) process.exitCode = EXIT_CODES["invalid-event"];
    });
}

function print(
  rows: readonly StoreRow[],
  known: readonly (KnownLoss & { readonly of: string })[],
  terminal: Terminal,
): void {
  const head = ["at", "stream", "messages", "places", ""];
  for (const line of table([head, ...rows.map(cells)])) terminal.out(line);
  for (const { of, stream, foundAt, lost } of known) {
    if (lost.length > 0)
      terminal.out(`lost before: ${of} ${stream} ${rangesText(lost)}, found at ${foundAt}`);
  }
}

function cells(row: StoreRow): string[] {
  const { of, stream, messages, firstSeq, lastSeq, isBooked, damage, unreadable, astray } = row;
  const found = [
    ...(isBooked ? [] : ["no position is known"]),
    ...(damage?.isNew === true ? ["was recreated"] : []),
    ...(damage === undefined || damage.lost.length === 0 ? [] : [`lost ${rangesText(damage.lost)}`]),
    ...(unreadable.length === 0 ? [] : [`cannot read ${rangesText(unreadable)}`]),
    ...astray.map(({ consumer, goesOnAt }) => `${consumer} is astray, would go on at ${goesOnAt}`),
  ];
  return [
    of,
    stream,
    String(messages),
    `${firstSeq}–${lastSeq}`,
    found.length === 0 ? "whole" : found.join("; "),
  ];
}

const MAX_RANGES = 5;

function rangesText(ranges: KnownLoss["lost"]): string {
  const texts = ranges
    .slice(0, MAX_RANGES)
    .map(({ from, to }) => (from === to ? String(from) : `${from}–${to}`));
  return texts.join(", ") + (ranges.length > MAX_RANGES ? ` and ${ranges.length - MAX_RANGES} more` : "");
}
