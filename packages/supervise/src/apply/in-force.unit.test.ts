import { expect, test } from "vitest";
import { isLinkOf } from "./in-force.ts";

test.each([
  ["up alpha", true],
  ["down alpha", true],
  ["up alpha (root-2)", true],
  ["up alphabet", false],
  ["down beta", false],
  // Policy that is applied must not wait for another region, which may be slow or away.
  ["region alpha", false],
  ["region alpha (root-2)", false],
])("that policy of alpha is in force waits for the link %s: %s", (link, isMeant) => {
  expect(isLinkOf(link, ["alpha", "gamma"])).toBe(isMeant);
});
