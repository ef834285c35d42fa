import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { withAllViolations } from "./all-violations.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));
const FIRST = new MeshError("invalid-event", "broken", {
  violations: [{ pointer: "/text", expected: "must be string" }],
  schema: "urn:adaos:schema:ui.notify:v1",
});

describe("withAllViolations()", () => {
  test("names every rule that is broken, where the mesh stops at the first", async () => {
    const error = await withAllViolations(FIRST, "ui.notify", { text: 7, level: "loud", txt: "" }, EVENTS);
    expect(error.violations).toEqual([
      { pointer: "/txt", expected: "is no property of the schema" },
      { pointer: "/text", expected: "must be string" },
      { pointer: "/level", expected: expect.stringContaining("info") },
    ]);
    expect(error).toMatchObject({ code: "invalid-event", schema: FIRST.schema });
    for (const { pointer } of error.violations) expect(error.message).toContain(pointer);
  });

  test("leaves an error as it is where the folder has nothing to add", async () => {
    expect(await withAllViolations(FIRST, "ui.notify", { text: "ok" }, EVENTS)).toBe(FIRST);
    expect(await withAllViolations(FIRST, "ui.nothing", {}, EVENTS)).toBe(FIRST);
    expect(await withAllViolations(FIRST, "ui.notify", {}, "/nowhere")).toBe(FIRST);
  });
});
