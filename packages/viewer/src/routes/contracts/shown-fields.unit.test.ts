import { expect, test } from "vitest";
import { shownFields } from "./shown-fields.ts";

test("shownFields() hides the defaults of classified fields, of those within and around them, and no other", () => {
  const field = (path: string, classification?: string) => {
    return { path, default: '"x"', ...(classification === undefined ? {} : { classification }) };
  };
  const fields = [
    field("a"),
    field("a.b", "pii"),
    field("a.b.c"),
    field("a.b[]"),
    field("a.bc"),
    field("d", "secret"),
    { path: "e", classification: "pii" },
  ];
  expect(shownFields(fields).map((one) => ("default" in one ? one.default : undefined))).toEqual([
    ...['"[pii]"', '"[pii]"', '"[pii]"', '"[pii]"', '"x"', '"[secret]"', undefined],
  ]);
  const [x] = shownFields([field("x"), { path: "", classification: "secret" }]);
  expect(x).toMatchObject({ default: '"[secret]"' });
});
