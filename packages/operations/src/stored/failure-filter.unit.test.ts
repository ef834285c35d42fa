import { describe, expect, test } from "vitest";
import { filterSubject, isOfEvent } from "./failure-filter.ts";

describe("filterSubject()", () => {
  test("is as narrow as the filter", () => {
    expect(filterSubject("dlq", "beta", {})).toBe("dlq.beta.*.*");
    expect(filterSubject("dlq", "beta", { node: "beta/desk" })).toBe("dlq.beta.desk.*");
    expect(filterSubject("proc", "beta", { node: "beta/desk", durable: "screen" })).toBe(
      "proc.beta.desk.screen",
    );
  });

  test("is nothing for a node of another subnet", () => {
    expect(filterSubject("dlq", "beta", { node: "alpha/desk" })).toBeUndefined();
  });

  test.each([[{ node: "desk" }], [{ node: "beta/*" }], [{ durable: ">" }], [{ durable: "a.b" }]])(
    "refuses %j",
    (filter) => {
      expect(() => filterSubject("dlq", "beta", filter)).toThrow(expect.objectContaining({ code: "usage" }));
    },
  );
});

describe("isOfEvent()", () => {
  test("takes a name literally and a prefix by its dot", () => {
    expect(isOfEvent({}, "ui.notify")).toBe(true);
    expect(isOfEvent({ event: "ui.notify" }, "ui.notify")).toBe(true);
    expect(isOfEvent({ event: "ui.notify" }, "ui.notify.all")).toBe(false);
    expect(isOfEvent({ event: "ui." }, "ui.notify.all")).toBe(true);
    expect(isOfEvent({ event: "ui." }, "uix.notify")).toBe(false);
  });
});
