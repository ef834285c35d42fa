import { describe, expect, test } from "vitest";
import { assertDirections } from "./cloudevents.ts";

describe("assertDirections()", () => {
  test.each([
    [{}, /nothing to carry/],
    [{ out: ["ui."] }, /need each other/],
    [{ in: "shop.>", refused: "shop.refused" }, /go in a circle/],
    [{ in: "shop.in", refused: "shop.in" }, /go in a circle/],
    [{ in: "*.in", out: ["ui."], subject: "shop.in" }, /go in a circle/],
    [{ in: "shop.in", refused: "shop.no", out: ["ui."], subject: "shop.no" }, /go in a circle/],
    [{ in: "shop.in", refused: "bad.*" }, /one subject each/],
    [{ out: ["ui."], subject: "mesh.>" }, /one subject each/],
    [{ refused: "shop.refused", out: ["ui."], subject: "mesh.events" }, /needs --in/],
  ])("refuses %j", (options, wanted) => {
    expect(() => assertDirections(options)).toThrow(wanted);
  });

  test("takes subjects that do not meet", () => {
    assertDirections({ in: "shop.*", refused: "shop.refused.late", out: ["ui."], subject: "mesh.events" });
    assertDirections({ in: "shop.>" });
  });
});
