import { closeSync, existsSync, fstatSync, openSync, readFileSync, writeSync } from "node:fs";
import { MeshError } from "@adaos/core";

/** One line of a book. Times are milliseconds since the epoch. */
export type BookLine =
  /** An event is about to be published. */
  | { readonly what: "publishing"; readonly id: string; readonly atMs: number }
  /** It is stored: it must take effect from here on. */
  | { readonly what: "published"; readonly id: string; readonly atMs: number }
  /** It has taken effect. */
  | { readonly what: "effect"; readonly id: string; readonly atMs: number };

/** Largest book that is read, about two million events. */
const MAX_BYTES = 512 * 1024 ** 2;

/**
 * A file with a line for each publish and each effect, in order. Lines are written at once, so that they survive
 * their writer.
 */
export class Book {
  readonly #descriptor: number;
  #bytes: number;

  /** Begins a book, or continues one. Throws `invalid-config` when the file cannot be written. */
  constructor(file: string) {
    try {
      this.#descriptor = openSync(file, "a", 0o600);
      this.#bytes = fstatSync(this.#descriptor).size;
    } catch (cause) {
      throw MeshError.from(
        cause,
        "invalid-config",
        `the book ${file} cannot be written; name another with --book`,
      );
    }
  }

  /** Throws `backpressure` when the book is full. */
  write(line: BookLine): void {
    if (this.#bytes > MAX_BYTES) {
      throw new MeshError("backpressure", `the book has ${this.#bytes} bytes; begin another one with --book`);
    }
    const text = `${JSON.stringify(line)}\n`;
    writeSync(this.#descriptor, text);
    this.#bytes += text.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** All complete lines of a book; the last is torn where its writer was killed. Throws `invalid-config`. */
export function readBook(file: string): BookLine[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.slice(0, -1).map((text, i) => {
    try {
      return JSON.parse(text) as BookLine;
    } catch (cause) {
      throw MeshError.from(
        cause,
        "invalid-config",
        `${file}:${i + 1} is no line of a book; begin another one`,
      );
    }
  });
}
