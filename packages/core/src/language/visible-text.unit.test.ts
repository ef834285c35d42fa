import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { counted, escapeUnseen, visibleJson, visibleText } from "./visible-text.ts";

/** Characters that command a terminal, turn text or are invisible: ranges that the test defines itself. */
const HOSTILE: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x08],
  [0x0b, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe01ef],
];
const hostileChars = HOSTILE.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)),
);
const text = fc
  .array(fc.oneof(fc.constantFrom(...hostileChars), fc.string({ unit: "binary", maxLength: 3 })))
  .map((parts) => parts.join(""));

function hostileIn(shown: string): string[] {
  return [...shown].filter((char) => {
    const code = char.codePointAt(0) ?? 0;
    return HOSTILE.some(([first, last]) => code >= first && code <= last);
  });
}

describe("visibleText()", () => {
  test("lets none of the hostile characters through, and changes no other", () => {
    for (const char of hostileChars) expect(visibleText(`a${char}b`)).toBe("a\ufffdb");
    fc.assert(
      fc.property(text, (any) => {
        expect(hostileIn(visibleText(any))).toEqual([]);
      }),
    );
  });

  test("leaves line ends, tabs, and what languages and emoji are written with", () => {
    for (const good of ["a\n\tb", "می\u200cخواهم", "👩\u200d🚀", "❤\ufe0f", "שלום", "e\u0301", "日本"])
      expect(visibleText(good)).toBe(good);
  });
});

describe("visibleJson()", () => {
  test("is the same JSON, with every hostile character escaped", () => {
    fc.assert(
      fc.property(fc.dictionary(text, text), fc.constantFrom(undefined, 2), (value, indent) => {
        const json = visibleJson(value, indent);
        expect(JSON.stringify(JSON.parse(json))).toBe(JSON.stringify(value));
        expect(hostileIn(json)).toEqual([]);
      }),
    );
    expect(visibleJson("\u009b\u007f\u202e\u{e0041}")).toBe('"\\u009b\\u007f\\u202e\\udb40\\udc41"');
  });
});

describe("escapeUnseen()", () => {
  test("escapes as the language asks", () => {
    expect(escapeUnseen("a\u202eb\n", (char) => `<${char.codePointAt(0)}>`)).toBe("a<8238>b\n");
  });
});

describe("counted()", () => {
  test("tells one thing from many and from none", () => {
    expect([0, 1, 2].map((n) => counted(n, "event"))).toEqual(["0 events", "1 event", "2 events"]);
    expect([1, 2].map((n) => counted(n, "process", "processes"))).toEqual(["1 process", "2 processes"]);
  });
});
