import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { meshFileJsonSchema, nodeFileJsonSchema } from "./json-schemas.ts";

function validatorOf(schema: string): ReturnType<Ajv2020["compile"]> {
  return new Ajv2020({ strict: false }).compile(JSON.parse(schema));
}

describe("meshFileJsonSchema()", () => {
  test("takes the default mesh as it is shipped, and refuses an unknown key", () => {
    const valid = validatorOf(meshFileJsonSchema());
    const shipped: Record<string, unknown> = parse(
      readFileSync(fileURLToPath(new URL("../../../deploy/mesh.yaml", import.meta.url)), "utf8"),
    );
    expect(valid(shipped)).toBe(true);
    expect(valid({ ...shipped, colour: "red" })).toBe(false);
  });
});

describe("nodeFileJsonSchema()", () => {
  test("knows every role", () => {
    expect(JSON.stringify(JSON.parse(nodeFileJsonSchema()))).toMatch(/"member".*"hub".*"root"/);
  });
});
