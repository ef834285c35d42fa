import { describe, expect, test } from "vitest";
import { fieldChanges } from "./field-changes.ts";
import type { SchemaField } from "./schema-fields.ts";

const field = (path: string, more: Partial<SchemaField> = {}): SchemaField => ({
  path,
  type: "string",
  required: false,
  constraints: [],
  description: "",
  deprecated: false,
  choice: "",
  ...more,
});

describe("fieldChanges()", () => {
  test("names added, removed and changed fields, and says nothing of equal ones", () => {
    const older = [field("id"), field("text", { constraints: ["at most 9 characters"] }), field("old")];
    const newer = [
      field("id", { description: "other words" }),
      field("text", { type: "integer", required: true, classification: "pii" }),
      field("new", { required: true }),
    ];
    expect(fieldChanges(older, newer)).toEqual([
      {
        path: "text",
        change: "changed",
        what: [
          "string → integer",
          "is required now",
          "classified not at all → pii",
          "no longer: at most 9 characters",
        ],
      },
      { path: "new", change: "added", what: ["string", "required"] },
      { path: "old", change: "removed", what: ["string"] },
    ]);
    expect(fieldChanges(older, older)).toEqual([]);
  });
});
