import { parseEventPattern } from "@adaos/core";
import { describe, expect, test } from "vitest";
import { undeclaredNote } from "./undeclared.ts";

const NAMES = ["ui.notify", "ui.sketch", "scenario.run", "scenario.completed"];
const note = (text: string): string | undefined => undeclaredNote(parseEventPattern(text), NAMES);

describe("undeclaredNote()", () => {
  test.each(["*", "ui.", "ui.notify", "ui.notify@7", "scenario."])("has nothing to say of %s", (text) => {
    expect(note(text)).toBeUndefined();
  });

  test.each([
    ["ui.notfy", "no event ui.notfy is declared in this mesh; did you mean ui.notify?"],
    ["ui.notfy@1", "no event ui.notfy is declared in this mesh; did you mean ui.notify?"],
    ["scenari.", "no event that begins with scenari. is declared in this mesh; did you mean scenario.?"],
    ["ui.temperature", "no event ui.temperature is declared in this mesh; there are ui.notify, ui.sketch"],
    ["lab.sample.weighed", "no event lab.sample.weighed is declared in this mesh; see adaos events topics"],
  ])("names what is near %s", (text, told) => {
    expect(note(text)).toBe(told);
  });
});
