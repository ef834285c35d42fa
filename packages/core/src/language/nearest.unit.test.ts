import { describe, expect, test } from "vitest";
import { nearest } from "./nearest.ts";

describe("nearest()", () => {
  test("prefers fewer edits, and none above three or a third of the text", () => {
    expect(nearest("ui.notifi", ["ui.notice", "ui.notify"])).toBe("ui.notify");
    expect(nearest("abcdefghijkl", ["abcdefghi"])).toBe("abcdefghi");
    expect(nearest("abcdefghijklm", ["abcdefghi"])).toBeUndefined();
    expect(nearest("a.b", ["c.d"])).toBeUndefined();
  });
});
