import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { lostFile, writeWhole } from "@adaos/config";

/** A longer ledger starts again with its newer half. */
const MAX_LEDGER_BYTES = 1_048_576;
const MAX_BOOK_BYTES = 64 * 1_048_576;

/** The file in which a daemon keeps the positions of its streams, and beside it the ledger of their losses. */
export function positionFile(file: string | undefined):
  | {
      readonly place: string;
      read(): string | undefined;
      write(text: string): void;
      note(line: string): void;
    }
  | undefined {
  if (file === undefined) return undefined;
  return {
    place: file,
    read: () => {
      if (!existsSync(file)) return undefined;
      if (statSync(file).size > MAX_BOOK_BYTES) throw new Error(`${file} is larger than any that is written`);
      return readFileSync(file, "utf8");
    },
    write: (text) => writeWhole(file, text),
    note: (line) => noteLine(lostFile(file), line),
  };
}

function noteLine(file: string, line: string): void {
  const size = existsSync(file) ? statSync(file).size : 0;
  if (size + line.length <= MAX_LEDGER_BYTES) {
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
    return;
  }
  const lines = size > 2 * MAX_LEDGER_BYTES ? [] : readFileSync(file, "utf8").split("\n");
  const newer = lines.slice(Math.ceil(lines.length / 2)).filter((kept) => kept !== "");
  writeWhole(file, `${[...newer, line].join("\n")}\n`);
}
