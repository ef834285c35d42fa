import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeJoinCode } from "./join-code.ts";
import { noneSchema, openAnswer, openRequest, sealAnswer, signRequest } from "./protocol.ts";

const NONCE = "0123456789abcdef";
const code = makeJoinCode(true);

describe("openRequest()", () => {
  test("takes what the key of the invitation has signed, and no other key, byte or length", () => {
    const request = { op: "look", nonce: NONCE } as const;
    const signed = signRequest(request, code.seed);
    expect(openRequest(signed, code.publicKey)).toEqual(request);
    expect(() => openRequest(signed, makeJoinCode(true).publicKey)).toThrow(/not signed/);
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(signed);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(() => openRequest(changed, code.publicKey)).toThrow(/not signed/);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => openRequest(bytes, code.publicKey)).toThrow(/not signed/);
      }),
    );
  });
});

describe("openAnswer()", () => {
  test("takes what was sealed for this request, and nothing that was changed on its way", () => {
    const sealed = sealAnswer({ ok: {} }, code.sealKey, NONCE);
    expect(openAnswer(sealed, code.sealKey, NONCE, noneSchema)).toEqual({});
    expect(() => openAnswer(sealed, code.sealKey, `${NONCE}0`, noneSchema)).toThrow(/not from the root/);
    expect(() => openAnswer(sealed, makeJoinCode(true).sealKey, NONCE, noneSchema)).toThrow(
      /not from the root/,
    );
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(() => openAnswer(changed, code.sealKey, NONCE, noneSchema)).toThrow(/not from the root/);
      }),
    );
  });

  test("throws what the root has refused with", () => {
    const refused = { code: "denied", message: "this code was used already" } as const;
    const sealed = sealAnswer({ refused }, code.sealKey, NONCE);
    expect(() => openAnswer(sealed, code.sealKey, NONCE, noneSchema)).toThrow(
      expect.objectContaining(refused),
    );
  });
});
