import { createReadStream } from "node:fs";
import { itemsIn, placeAt } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";

/** One JSON text of a file and its place, or the reason why it could not be read. */
export interface Item {
  /** Counts from 1. */
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly problem?: string;
}

/** Limit of a file with one JSON text, lists included. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
/** Limit of a line among many. No event is larger, however it is written. */
const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 10;

interface Line {
  readonly number: number;
  readonly text: string;
  readonly problem?: string;
}

/**
 * The events of a file, `-` for standard input: one JSON value, a JSON list, or one event on each line. Of lines,
 * only one is in memory at a time.
 * @param isLines True: one event on each line. False: so if the first line is a whole value and more follows.
 * @throws MeshError `usage` for a file that cannot be read.
 */
export async function* readItems(file: string, isLines: boolean): AsyncGenerator<Item> {
  const lines = readLines(file, isLines ? MAX_LINE_BYTES : MAX_DOCUMENT_BYTES);
  if (isLines) return yield* itemsOf(lines);
  const head: Line[] = [];
  for await (const line of lines) {
    head.push(line);
    if (line.text === "" && line.problem === undefined) continue;
    // A complete value with something after it: one event on each line.
    const first = head.find(({ text }) => text !== "");
    if (line.problem !== undefined || (first !== undefined && first !== line && isJson(first.text))) {
      for (const one of head) yield* itemOf(one);
      return yield* itemsOf(lines);
    }
    if (first !== undefined && !isJson(first.text)) return yield* documentItems(await rest(head, lines));
  }
  yield* documentItems(head.map(({ text }) => text).join("\n"));
}

async function* itemsOf(lines: AsyncIterable<Line>): AsyncGenerator<Item> {
  for await (const line of lines) yield* itemOf(line);
}

function* itemOf({ number, text, problem }: Line): Generator<Item> {
  if (text.trim() === "" && problem === undefined) return;
  yield { line: number, column: 1, text, ...(problem === undefined ? {} : { problem }) };
}

function* documentItems(text: string): Generator<Item> {
  if (text.trim() === "") return;
  const start = text.length - text.trimStart().length;
  if (text[start] !== "[" || !isJson(text)) {
    yield { ...placeAt(text, start), text: text.slice(start) };
    return;
  }
  // Counted on from the last item: counting from the start for each would take hours for a long list.
  let line = 1;
  let from = 0;
  for (const item of itemsIn(text)) {
    const before = placeAt(text.slice(from, item.start), item.start - from);
    const column = before.line === 1 ? item.start - text.lastIndexOf("\n", item.start) : before.column;
    line += before.line - 1;
    from = item.start;
    yield { line, column, text: text.slice(item.start, item.end) };
  }
}

async function rest(head: readonly Line[], lines: AsyncIterable<Line>): Promise<string> {
  const parts = head.map(({ text }) => text);
  let chars = parts.reduce((sum, { length }) => sum + length + 1, 0);
  for await (const { text } of lines) {
    chars += text.length + 1;
    if (chars > MAX_DOCUMENT_BYTES)
      throw new MeshError(
        "too-large",
        `a JSON text is more than ${MAX_DOCUMENT_BYTES} bytes; write one event on each line`,
      );
    parts.push(text);
  }
  return parts.join("\n");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Lines of a file, the first of at most `maxFirstBytes`. A longer line is skipped and reported. */
async function* readLines(file: string, maxFirstBytes: number): AsyncGenerator<Line> {
  const stream: AsyncIterable<Buffer> = file === "-" ? process.stdin : createReadStream(file);
  let number = 1;
  let held: Buffer[] = [];
  let bytes = 0;
  const finish = (): Line => {
    const limit = number === 1 ? maxFirstBytes : MAX_LINE_BYTES;
    const line = bytes > limit ? tooLong(number, limit) : decoded(number, Buffer.concat(held));
    held = [];
    bytes = 0;
    number++;
    return line;
  };
  try {
    for await (const chunk of stream) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        held.push(chunk.subarray(start, end));
        bytes += end - start;
        start = end + 1;
        yield finish();
      }
      bytes += chunk.length - start;
      if (bytes <= (number === 1 ? maxFirstBytes : MAX_LINE_BYTES)) held.push(chunk.subarray(start));
      else held = [];
    }
  } catch (cause) {
    throw MeshError.from(cause, "usage", `${file === "-" ? "standard input" : file} cannot be read`);
  }
  if (bytes > 0) yield finish();
}

function tooLong(number: number, limit: number): Line {
  return { number, text: "", problem: `is longer than ${limit} bytes` };
}

function decoded(number: number, bytes: Buffer): Line {
  try {
    return { number, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (thrown) {
    return { number, text: "", problem: `is not UTF-8: ${messageOf(thrown)}` };
  }
}
