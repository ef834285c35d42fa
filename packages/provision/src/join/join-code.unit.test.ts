import { MeshError } from "@adaos/core";
import fc from "fast-check";
import { nkeys } from "nats";
import { describe, expect, test } from "vitest";
import { makeJoinCode, parseJoinCode } from "./join-code.ts";

/** The same whatever was typed, so nothing of it is repeated. */
const NO_CODE = "this is no join code, or it is mistyped: it has four groups of five digits";

const usage = (text: string): boolean => {
  try {
    parseJoinCode(text);
    return false;
  } catch (thrown) {
    return thrown instanceof MeshError && thrown.code === "usage" && thrown.message === NO_CODE;
  }
};

describe("parseJoinCode()", () => {
  test("gives what the code was made with, however it is typed", () => {
    for (const tls of [true, false]) {
      const made = makeJoinCode(tls);
      const typed = made.text.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
      expect(parseJoinCode(` ${typed}\n`)).toEqual(made);
      expect(made.tls).toBe(tls);
      expect(nkeys.fromSeed(new TextEncoder().encode(made.seed)).getPublicKey()).toBe(made.publicKey);
      expect(made.id).toMatch(/^[a-z2-7]{8}$/);
    }
  });

  test("never makes the same code, key or seal twice", () => {
    const codes = Array.from({ length: 200 }, () => makeJoinCode(false));
    expect(new Set(codes.map(({ text }) => text)).size).toBe(200);
    expect(new Set(codes.map(({ publicKey }) => publicKey)).size).toBe(200);
    expect(new Set(codes.map(({ sealKey }) => Buffer.from(sealKey).toString("hex"))).size).toBe(200);
  });

  test("refuses what is no code, without repeating it", () => {
    fc.assert(fc.property(fc.string({ minLength: 2, maxLength: 40 }), (text) => usage(text)));
    expect(usage(`${makeJoinCode(true).text}0`)).toBe(true);
  });

  test("notices nearly every digit that is mistyped", () => {
    let noticed = 0;
    for (let i = 0; i < 320; i++) {
      const { text } = makeJoinCode(false);
      const at = [0, 1, 7, 13, 22][i % 5] ?? 0;
      const wrong = text[at] === "Z" ? "Y" : "Z";
      if (usage(`${text.slice(0, at)}${wrong}${text.slice(at + 1)}`)) noticed++;
    }
    // One in 32 has the same check by chance: 310 of 320 on average.
    expect(noticed).toBeGreaterThan(280);
  });
});
