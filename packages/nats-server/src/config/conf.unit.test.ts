import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ParsedValue, parseConf } from "../../../../test/kit/nats-conf.ts";
import { type ConfBlock, renderConf } from "./conf.ts";

const key = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_]{1,12}$/).filter((word) => word !== "include"),
  fc.constantFrom("ingest.>", "LEAF_my-home", "a b", "{", "#", "user:", "\u00e9"),
);
const letter = fc.oneof(
  fc.constantFrom('"', "\\", "\n", "\r", "\t", "#", "//", "{", "}", "[", "]", ",", ":", "=", "$", "'", "x41"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
);
const text = fc.array(letter, { maxLength: 12 }).map((letters) => letters.join(""));

const { block } = fc.letrec<{ block: ConfBlock; value: ParsedValue }>((tie) => ({
  block: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<ConfBlock>,
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("block") as fc.Arbitrary<ParsedValue>,
  ),
}));

describe("renderConf()", () => {
  test("is read by a server as it was meant", () => {
    fc.assert(
      fc.property(block, (meant) => {
        expect(parseConf(renderConf(meant))).toEqual(meant);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ["a quote and a new entry", 'a"\nport: 1\n"'],
    ["a closing brace", '"}\naccounts: {}'],
    ["a comment", "a # b // c"],
    ["a variable", "$HOME"],
    ["a backslash at its end", "a\\"],
    ["a line end of Windows", "a\r\nb"],
    ["what looks like a number", "4222"],
    ["what looks like a truth", "true"],
    ["nothing", ""],
    ["a list", '["a"]'],
  ])("keeps %s a value", (_, value) => {
    const meant = { store_dir: value, list: [value], users: [{ nkey: value }], inner: { deep: { value } } };
    expect(parseConf(renderConf(meant))).toEqual(meant);
  });

  test.each([["\b"], ["\f"], ["\u0001"], ["\ud800"]])(
    "refuses %j, which a server could not read",
    (value) => {
      expect(() => renderConf({ store_dir: value })).toThrow(/cannot hold/);
    },
  );

  test("leaves out what is undefined", () => {
    expect(renderConf({ a: undefined, b: { c: undefined, d: 1 }, e: [1] })).toBe("b: { d: 1 }\ne: [1]\n");
  });

  test("writes short lists and blocks on one line and long ones on many", () => {
    const long = "x".repeat(60);
    expect(renderConf({ list: ["a", 1, true], block: { a: "b" } })).toBe(
      'list: ["a", 1, true]\nblock: { a: "b" }\n',
    );
    expect(renderConf({ list: [long, long], block: { a: long, b: long } })).toBe(
      `list: [\n  "${long}"\n  "${long}"\n]\nblock: {\n  a: "${long}"\n  b: "${long}"\n}\n`,
    );
  });

  test("quotes a key that is no word", () => {
    expect(renderConf({ "ingest.>": "evt.>", max_payload: 1 })).toBe('"ingest.>": "evt.>"\nmax_payload: 1\n');
  });

  test("writes include as the word that reads another file, on a line of its own", () => {
    const rendered = renderConf({ remote: { account: "BRIDGE", include: "../keys/leaf.conf" } });
    expect(rendered).toBe('remote: {\n  account: "BRIDGE"\n  include "../keys/leaf.conf"\n}\n');
    expect(parseConf(rendered)).toEqual({ remote: { account: "BRIDGE", include: "../keys/leaf.conf" } });
  });

  test("begins with the header as comments", () => {
    const rendered = renderConf({ port: 1 }, ["Generated.", "", "port: 2"]);
    expect(rendered).toBe("# Generated.\n# \n# port: 2\nport: 1\n");
    expect(parseConf(rendered)).toEqual({ port: 1 });
  });
});
