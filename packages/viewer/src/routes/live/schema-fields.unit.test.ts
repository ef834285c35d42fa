import { expect, test } from "vitest";
import { schemaFields } from "./schema-fields.ts";

test("schemaFields() tells what a form needs, required fields first", () => {
  const schema = {
    required: ["b", "c"],
    properties: {
      a: { type: "string", minLength: 1, maxLength: 9, description: "text", default: "x" },
      b: { enum: ["one", 2, null] },
      c: { const: 7 },
      d: { type: ["string", "null"] },
      e: { enum: [{ no: 1 }] },
      f: { type: "integer", minimum: 0, format: "port" },
      g: true,
      "h/i": { type: "boolean" },
    },
  };
  const fields = schemaFields(schema, ["/h~1i", "/d/0"]);
  expect(fields.map(({ name, kind, rule }) => [name, kind, rule])).toEqual([
    ["b", "enum", ""],
    ["c", "enum", ""],
    ["a", "string", "1 to 9 characters"],
    ["d", "json", ""],
    ["e", "json", ""],
    ["f", "integer", "at least 0, port"],
    ["g", "json", ""],
    ["h/i", "boolean", ""],
  ]);
  expect(fields.filter(({ isClassified }) => isClassified).map(({ name }) => name)).toEqual(["d", "h/i"]);
  expect(fields[2]).toMatchObject({ default: "x", description: "text", isRequired: false });
  expect(schemaFields({}, [])).toEqual([]);
  expect(schemaFields({ properties: { a: {} } }, [""])[0]?.isClassified).toBe(true);
  expect(schemaFields({ properties: { a: { default: "x" } } }, ["/a"])[0]).not.toHaveProperty("default");
});
