import { describe, expect, it } from "vitest";
import { OWN_PROGRAM, parseProgram, programText, whyApart } from "./program.ts";

describe("parseProgram", () => {
  it("reads what programText has written", () => {
    expect(parseProgram(programText())).toEqual(OWN_PROGRAM);
    const early = { version: "1.20.3-rc.1", protocol: 12 };
    expect(parseProgram(programText(early))).toEqual(early);
  });

  it.each([
    undefined,
    "",
    "0.1.0",
    "0.1.0/",
    "0.1.0/x",
    "0.1.0/1/2",
    "1/0.1.0",
    `0.1.0/${"9".repeat(400)}`,
    "0.1.0/1\nx: y",
  ])("takes %j for no program", (text) => {
    expect(parseProgram(text)).toBeUndefined();
  });
});

describe("whyApart", () => {
  const own = { version: "0.3.0", protocol: 2 };

  it("lets versions of one protocol work together", () => {
    expect(whyApart("alpha/hub", { version: "0.9.0", protocol: 2 }, own)).toBeUndefined();
  });

  it("takes a peer that tells nothing for one of protocol 1", () => {
    expect(whyApart("alpha/hub", undefined, { version: "0.1.0", protocol: 1 })).toBeUndefined();
    expect(whyApart("alpha/hub", undefined, own)).toContain("upgrade alpha/hub");
  });

  it("names both versions, and the side to upgrade", () => {
    expect(whyApart("alpha/hub", { version: "0.1.0", protocol: 1 }, own)).toBe(
      "alpha/hub runs adaos 0.1.0 of protocol 1, this node adaos 0.3.0 of protocol 2; upgrade alpha/hub",
    );
    expect(whyApart("alpha/hub", { version: "1.0.0", protocol: 3 }, own)).toContain("upgrade this node");
  });
});
