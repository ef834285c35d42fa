import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** The parts of tweetnacl that nkeys use. */
interface Signing {
  readonly sign: {
    readonly keyPair: {
      fromSeed(seed: Uint8Array): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
    };
    readonly detached: {
      (message: Uint8Array, secretKey: Uint8Array): Uint8Array;
      verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;
    };
  };
  randomBytes(length: number): Uint8Array;
}

// The copy that the client itself would load.
const nats = createRequire(createRequire(import.meta.url).resolve("nats"));
const theirs: Signing = createRequire(nats.resolve("nkeys.js"))("tweetnacl");
const file = new URL("../../scripts/bundle/ed25519.mjs", import.meta.url).href;
const ours: Signing = await import(file);

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const messages = fc.uint8Array({ maxLength: 200 });

describe("ed25519.mjs, in the bundle in place of tweetnacl", () => {
  test("makes the same keys and signatures", () => {
    fc.assert(
      fc.property(seeds, messages, (seed, message) => {
        const keys = theirs.sign.keyPair.fromSeed(seed);
        expect(ours.sign.keyPair.fromSeed(seed)).toEqual(keys);
        const signature = theirs.sign.detached(message, keys.secretKey);
        expect(ours.sign.detached(message, keys.secretKey)).toEqual(signature);
      }),
      { numRuns: 50 },
    );
  });

  test("takes and refuses the same signatures", () => {
    fc.assert(
      fc.property(seeds, messages, fc.nat(63), fc.boolean(), (seed, message, at, isBroken) => {
        const { publicKey, secretKey } = theirs.sign.keyPair.fromSeed(seed);
        const signature = theirs.sign.detached(message, secretKey);
        if (isBroken) signature[at] = (signature[at] ?? 0) ^ 1;
        for (const { sign } of [ours, theirs])
          expect(sign.detached.verify(message, signature, publicKey)).toBe(!isBroken);
      }),
      { numRuns: 50 },
    );
  });

  test("gives random bytes of the length that was asked for, and not the same twice", () => {
    expect(ours.randomBytes(32)).toHaveLength(32);
    expect(ours.randomBytes(32)).not.toEqual(ours.randomBytes(32));
  });
});
