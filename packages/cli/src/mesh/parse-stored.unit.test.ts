import { describe, expect, test } from "vitest";
import { parseStored } from "./parse-stored.ts";

interface Thing {
  readonly id: string;
  readonly size: number;
}

const parse = (text: string): Thing | undefined =>
  parseStored<Thing>({ body: new TextEncoder().encode(text) }, "id");

describe("parseStored()", () => {
  test("gives what has the fields that are asked for", () => {
    expect(parse('{"id":"a","size":1}')).toEqual({ id: "a", size: 1 });
  });

  test.each(["", "no JSON", "null", "7", "[]", "{}", '{"id":7}'])("gives nothing for %j", (text) => {
    expect(parse(text)).toBeUndefined();
  });
});
