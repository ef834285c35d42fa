import { describe, expect, test } from "vitest";
import type { SchemaField } from "../../api/live.ts";
import { dataOf, fieldOfPointer, REST, textsOf } from "./form/schema-values.ts";
import { nextIndex } from "./list/next-index.ts";

describe("nextIndex()", () => {
  test.each([
    ["ArrowDown", -1, 0],
    ["ArrowDown", 4, 4],
    ["ArrowUp", -1, 0],
    ["ArrowUp", 3, 2],
    ["PageUp", 3, 0],
    ["PageDown", 0, 4],
    ["Home", 3, 0],
    ["End", 0, 4],
    ["x", 0, undefined],
  ])("%s from %i of 5 rows leads to %s", (key, at, next) => {
    expect(nextIndex(key, at, 5)).toBe(next);
    expect(nextIndex(key, at, 0)).toBeUndefined();
  });
});

const field = (name: string, kind: SchemaField["kind"], more: Partial<SchemaField> = {}): SchemaField => ({
  ...{ name, kind, isRequired: false, isClassified: false, description: "", values: [], rule: "" },
  ...more,
});
const FIELDS = [
  field("text", "string", { isRequired: true }),
  field("count", "integer"),
  field("share", "number"),
  field("on", "boolean"),
  field("level", "enum", { values: ["info", 1, null] }),
  field("tags", "json"),
  field("mail", "string", { isClassified: true }),
];

describe("textsOf() and dataOf()", () => {
  test("give back the data that a form began with, without what is masked", () => {
    const data = { text: "a\nb", count: 3, share: 0.5, on: false, level: null, tags: ["x"], more: { a: 1 } };
    const texts = textsOf(FIELDS, { ...data, mail: "[pii]" });
    expect(texts["mail"]).toBeUndefined();
    expect(dataOf(FIELDS, texts)).toEqual({ data, problems: {} });
  });

  test("tell each field that is not understood", () => {
    const texts = { count: "1.5", share: "x", on: "yes", level: '"loud"', tags: "[", [REST]: "{" };
    const { problems } = dataOf([...FIELDS, field("must", "number", { isRequired: true })], texts);
    expect(Object.keys(problems).sort()).toEqual(["", "count", "level", "must", "on", "share", "tags"]);
  });

  test("leave out what is empty, but for a required text", () => {
    expect(dataOf(FIELDS, {})).toEqual({ data: { text: "" }, problems: {} });
  });

  test("take data without fields as JSON, and names of every kind as own fields", () => {
    expect(dataOf([], textsOf([], [1, "two"])).data).toEqual([1, "two"]);
    const hostile = JSON.parse('{"__proto__": {"x": 1}, "text": "t"}') as unknown;
    const { data } = dataOf(FIELDS, textsOf(FIELDS, hostile));
    expect(JSON.stringify(data)).toContain('"__proto__":{"x":1}');
  });
});

test("fieldOfPointer() finds the field of an error", () => {
  expect(["", "/text", "/a~1b/0", "/x~0y"].map(fieldOfPointer)).toEqual([REST, "text", "a/b", "x~y"]);
});
