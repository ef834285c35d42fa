import { describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { withItems } from "./append-items.ts";

describe("withItems()", () => {
  test.each([
    ["a list", "- a: 1 # why\n", "- a: 1 # why\n\n- b: [x]\n"],
    ["a list without an end of line", "- 'a': 1", "- 'a': 1\n\n- b: [x]\n"],
    [
      "a list that is indented, with a comment at its end",
      "# on top\n  - a: 1\n# the end\n",
      "# on top\n  - a: 1\n# the end\n\n  - b: [x]\n",
    ],
    ["comments alone", "# nothing yet\n", "# nothing yet\n- b: [x]\n"],
    ["nothing", "", "- b: [x]\n"],
  ])("adds to %s, and leaves what was there", (_, before, after) => {
    expect(withItems(before, "f.yaml", [{ b: ["x"] }]).replaceAll(/b:\s+- x/g, "b: [x]")).toBe(after);
  });

  test("writes what stood within brackets an item a line", () => {
    expect(withItems("[] # none\n", "f.yaml", [{ b: 1 }])).toBe("# none\n- b: 1\n");
    expect(withItems("# of ours\n[{ a: 1 }, { a: 2 }]\n", "f.yaml", [{ b: 1 }])).toBe(
      "# of ours\n- { a: 1 }\n- { a: 2 }\n\n- b: 1\n",
    );
  });

  test.each(["a: 1", "- ["])("refuses what is no list: %s", (text) => {
    expect(meshErrorOf(() => withItems(text, "f.yaml", [])).code).toBe("invalid-config");
  });
});
