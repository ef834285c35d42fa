/** A value that a nats-server reads from a config file. */
export type ParsedValue = string | number | boolean | ParsedValue[] | ParsedBlock;
export interface ParsedBlock {
  [key: string]: ParsedValue;
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", '"': '"', "\\": "\\" };

/**
 * Reads our part of nats-server's config language, as strictly as nats-server 2.15 does: a quoted value has only
 * the escapes \t \n \r \" \\ and \xHH, a quoted key or include path none.
 */
export function parseConf(text: string): ParsedBlock {
  const parser = new ConfParser(text);
  return parser.entries(undefined);
}

class ConfParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Entries up to `}`, or to the end of the file. */
  entries(end: "}" | undefined): ParsedBlock {
    const block: ParsedBlock = {};
    for (;;) {
      this.#skip(/(?:[ \t\r\n,]|#[^\n]*|\/\/[^\n]*)*/y);
      if (this.#at >= this.#text.length && end === undefined) return block;
      if (this.#peek() === "}" && end !== undefined) {
        this.#at++;
        return block;
      }
      const [key, value] = this.#entry();
      if (Object.hasOwn(block, key)) throw this.#error(`${key} stands twice`);
      Object.defineProperty(block, key, { value, enumerable: true, configurable: true, writable: true });
      if (!/[\n,}]|$/y.test(this.#text.slice(this.#at).replace(/^[ \t]+/, "")[0] ?? "")) {
        throw this.#error("something follows a value");
      }
    }
  }

  #entry(): [string, ParsedValue] {
    const quoted = this.#skip(/"([^"\n]*)"/y)?.[1];
    const key = quoted ?? this.#skip(/[A-Za-z0-9_]+/y)?.[0];
    if (key === undefined) throw this.#error("no key");
    if (quoted === undefined && key === "include") {
      const path = this.#skip(/[ \t]+"([^"\n]*)"/y)?.[1];
      if (path === undefined) throw this.#error("include without a path");
      return [key, path];
    }
    if (this.#skip(/[ \t]*[:=][ \t]*/y) === undefined) throw this.#error(`${key} without a value`);
    return [key, this.#value()];
  }

  #value(): ParsedValue {
    switch (this.#peek()) {
      case '"':
        return this.#quoted();
      case "{":
        this.#at++;
        return this.entries("}");
      case "[":
        this.#at++;
        return this.#list();
      default: {
        const word = this.#skip(/-?\d+(?:\.\d+)?|true|false/y)?.[0];
        if (word === undefined) throw this.#error("no value");
        return word === "true" || word === "false" ? word === "true" : Number(word);
      }
    }
  }

  #list(): ParsedValue[] {
    const list: ParsedValue[] = [];
    for (;;) {
      this.#skip(/[ \t\r\n,]*/y);
      if (this.#peek() === "]") {
        this.#at++;
        return list;
      }
      list.push(this.#value());
      if (!/[ \t\n,\]]/.test(this.#peek())) throw this.#error("something follows an item");
    }
  }

  #quoted(): string {
    let value = "";
    for (this.#at++; this.#peek() !== '"'; this.#at++) {
      if (this.#at >= this.#text.length) throw this.#error("a text without an end");
      if (this.#peek() !== "\\") {
        value += this.#peek();
        continue;
      }
      this.#at++;
      const hex = this.#skip(/x[0-9A-Fa-f]{2}/y)?.[0];
      if (hex !== undefined) this.#at--;
      const escaped = hex === undefined ? ESCAPES[this.#peek()] : String.fromCharCode(Number(`0${hex}`));
      if (escaped === undefined) throw this.#error(`invalid escape character '${this.#peek()}'`);
      value += escaped;
    }
    this.#at++;
    return value;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #skip(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found;
  }

  #error(problem: string): Error {
    return new Error(
      `${problem} at ${JSON.stringify(this.#text.slice(Math.max(0, this.#at - 30), this.#at + 30))}`,
    );
  }
}
