import { expect, test } from "vitest";
import { markdownOf } from "./markdown.ts";

test("markdownOf() has conditions, what was missed, and a table a section", () => {
  const text = markdownOf({
    conditions: { node: "v20", cpus: 2 },
    contenders: { adaos: "as it is", raw: "bare" },
    leftOut: [{ what: "redis", why: "not\ninstalled" }],
    failed: [],
    sections: [
      {
        durability: "relaxed",
        scenario: "S1",
        title: "a title",
        conditions: "at 1000/s",
        reference: "raw",
        rows: [{ contender: "raw", metric: "p50", unit: "ms", rounds: 1, median: 2, min: 1, max: 3 }],
      },
    ],
  });
  expect(text).toContain("|  |  |\n|---|---|\n| node | v20 |\n| cpus | 2 |\n");
  expect(text).toContain("| `raw` | bare |");
  expect(text).toContain("## Left out\n\n- redis: not installed\n");
  expect(text).not.toContain("## Failed");
  expect(text).toContain(
    [
      "### S1 a title (relaxed)",
      "at 1000/s.",
      "|  | contender | median | min to max | unit |\n|---|---|---|---|---|\n| p50 | raw | 2.00 | 1.00 to 3.00 | ms |\n",
    ].join("\n\n"),
  );
});
