import { RE2JS } from "re2js";

/** Longer patterns are generated, and compile slowly. */
const MAX_PATTERN_LENGTH = 2000;
/** Limit of steps of the compiled pattern. Its time is at worst this times the length of the text. */
const MAX_PROGRAM_SIZE = 1000;

const ANY = String.raw`\x{0}-\x{10ffff}`;
const LINE_ENDS = String.raw`\n\r\x{2028}\x{2029}`;
const SPACE = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NO_SPACE = String.raw`\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;

/** Syntax that the two languages write or read differently; they share the rest. */
const TOKEN =
  /\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})|\\c([a-z])|\\[pP]\{(?:Script|sc|General_Category|gc)=|\[\^?\]|\\.|[[\].]/gisu;

/**
 * A pattern of a schema: an ECMAScript regular expression with the flag `u`, matched in time linear in the text.
 * The built-in engine backtracks, and needs years for `^(a+)+$` and forty letters.
 */
export class LinearPattern {
  readonly #source: string;
  readonly #program: RE2JS;

  /** Throws an Error with the reason why the pattern is invalid, or cannot be matched in linear time. */
  constructor(source: string) {
    if (source.length > MAX_PATTERN_LENGTH)
      throw new Error(`is longer than ${MAX_PATTERN_LENGTH} characters`);
    new RegExp(source, "u");
    this.#source = source;
    this.#program = compile(source);
    if (this.#program.programSize() > MAX_PROGRAM_SIZE) throw new Error("repeats too much");
  }

  test(text: string): boolean {
    return this.#program.test(text);
  }

  /** The validator caches patterns by this text. */
  toString(): string {
    return this.#source;
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(translate(source));
  } catch (cause) {
    throw new Error("has a look-around, a back-reference or another part that takes more than linear time", {
      cause,
    });
  }
}

/** Translates a pattern into the syntax of RE2. */
function translate(source: string): string {
  let inClass = false;
  return source.replace(TOKEN, (token: string, high, low, braced, four, control) => {
    if (high !== undefined) return codePoint(surrogatePair(high, low));
    if (braced !== undefined || four !== undefined) return codePoint(Number.parseInt(braced ?? four, 16));
    if (control !== undefined) return codePoint(control.charCodeAt(0) % 32);
    // RE2 names a script or category without a key.
    if (token.endsWith("=")) return `${token.slice(0, 2)}{`;
    switch (token) {
      case "[]":
        // Within a class it is a literal bracket, and the end.
        if (!inClass) return `[^${ANY}]`;
        inClass = false;
        return "\\[]";
      case "[^]":
        if (!inClass) return `[${ANY}]`;
        inClass = false;
        return "\\[^]";
      case "[":
        if (inClass) return "\\[";
        inClass = true;
        return token;
      case "]":
        inClass = false;
        return token;
      case ".":
        return inClass ? token : `[^${LINE_ENDS}]`;
      case "\\s":
        return inClass ? SPACE : `[${SPACE}]`;
      case "\\S":
        return inClass ? NO_SPACE : `[${NO_SPACE}]`;
      case "\\b":
        return inClass ? "\\x{8}" : token;
      default:
        return token;
    }
  });
}

function surrogatePair(high: string, low: string): number {
  return (Number.parseInt(high, 16) - 0xd800) * 0x400 + Number.parseInt(low, 16) - 0xdc00 + 0x10000;
}

function codePoint(value: number): string {
  return `\\x{${value.toString(16)}}`;
}
