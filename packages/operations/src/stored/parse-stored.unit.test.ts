import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseStored } from "./parse-stored.ts";

const thing = z.object({ id: z.string(), size: z.number() });

const parse = (text: string): unknown => parseStored({ body: new TextEncoder().encode(text) }, thing);

describe("parseStored()", () => {
  test("gives what has the fields that are asked for", () => {
    expect(parse('{"id":"a","size":1}')).toEqual({ id: "a", size: 1 });
  });

  test.each(["", "no JSON", "null", "7", "[]", "{}", '{"id":7,"size":1}', '{"id":"a"}'])(
    "gives nothing for %j",
    (text) => {
      expect(parse(text)).toBeUndefined();
    },
  );
});
