import { describe, expect, test } from "vitest";
import { sceneOf } from "../../../test/kit/doctor-scene.ts";
import type { Check, Finding } from "./check.ts";
import { examine } from "./examine.ts";

const SCENE = sceneOf("/nowhere", []);
const finding = (level: Finding["level"], about: string): Finding => {
  return { level, about, problem: "is wrong", why: "because", mend: "adaos status" };
};

describe("examine()", () => {
  test("tells faults first, and each check's outcome", async () => {
    const checks: Check[] = [
      { group: "a", look: async () => [finding("notice", "one"), finding("fault", "two")] },
      { group: "b", look: async () => [] },
      { group: "c", look: async () => [finding("fault", "three")] },
    ];
    const { findings, checks: results } = await examine(SCENE, checks, 1000);
    expect(findings.map(({ group, about }) => `${group} ${about}`)).toEqual(["a two", "c three", "a one"]);
    expect(results.map(({ outcome }) => outcome)).toEqual(["findings", "sound", "findings"]);
  });

  test("goes on without a check that hangs or fails", async () => {
    const checks: Check[] = [
      { group: "hangs", look: () => new Promise(() => undefined) },
      { group: "fails", look: () => Promise.reject(new Error("the disk is gone")) },
      { group: "sound", look: async () => [] },
    ];
    const { checks: results } = await examine(SCENE, checks, 20);
    expect(results).toMatchObject([
      { group: "hangs", outcome: "unknown", reason: "no answer within 0.02 s" },
      { group: "fails", outcome: "unknown", reason: "the disk is gone" },
      { group: "sound", outcome: "sound" },
    ]);
  });

  test("lets the others through before what is heavy", async () => {
    const order: string[] = [];
    const look = (name: string) => async (): Promise<readonly Finding[]> => {
      await Promise.resolve();
      order.push(name);
      return [];
    };
    const checks: Check[] = [
      { group: "heavy", isHeavy: true, look: look("heavy") },
      { group: "light", look: look("light") },
    ];
    await examine(SCENE, checks, 1000);
    expect(order).toEqual(["light", "heavy"]);
  });
});
