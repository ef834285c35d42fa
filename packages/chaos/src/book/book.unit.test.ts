import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Book, type BookLine, readBook } from "./book.ts";

describe("Book", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "adaos-book-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("goes on with what an earlier process has written, and reads it back without a torn end", () => {
    const file = join(dir, "book.jsonl");
    const lines: BookLine[] = [
      { what: "publishing", id: "1", atMs: 1 },
      { what: "published", id: "1", atMs: 2 },
      { what: "effect", id: "1", atMs: 3 },
    ];
    for (const line of lines) {
      const book = new Book(file);
      book.write(line);
      book.close();
    }
    appendFileSync(file, '{"what":"eff');
    expect(readBook(file)).toEqual(lines);
    expect(readFileSync(file, "utf8").split("\n")).toHaveLength(4);
  });

  test("names the line that is no line of a book", () => {
    const file = join(dir, "book.jsonl");
    appendFileSync(file, '{"what":"effect","id":"1","atMs":1}\nnonsense\n');
    expect(() => readBook(file)).toThrow(
      expect.objectContaining({
        code: "invalid-config",
        message: expect.stringContaining("book.jsonl:2 is no line"),
      }),
    );
  });

  test("throws invalid-config where nothing can be written", () => {
    expect(() => new Book(join(dir, "no-folder", "book.jsonl"))).toThrow(
      expect.objectContaining({ code: "invalid-config" }),
    );
  });
});
