import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConf } from "../../../../test/kit/nats-conf.ts";
import { meshErrorOf } from "../../../../test/kit/stand-ins.ts";
import { KeyRing } from "./keys.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-keys-"));
});
afterEach(() => {
  rmSync(state, { recursive: true });
});

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

describe("KeyRing.key()", () => {
  test("makes a user's key, its seed for the owner's eyes only", () => {
    const { publicKey, seedFile } = new KeyRing(state).key("alpha/members/kitchen");
    const seed = readFileSync(seedFile, "utf8").trim();
    expect(publicKey).toMatch(/^U[A-Z2-7]{55}$/);
    expect(nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey()).toBe(publicKey);
    expect(seedFile).toBe(join(state, "keys/alpha/members/kitchen.nk"));
    expect([modeOf(seedFile), modeOf(join(state, "keys"))]).toEqual([0o600, 0o700]);
  });

  test("keeps a key for good, and gives each name its own", () => {
    const { publicKey } = new KeyRing(state).key("alpha/hub");
    expect(new KeyRing(state).key("alpha/hub").publicKey).toBe(publicKey);
    expect(new KeyRing(state).key("beta/hub").publicKey).not.toBe(publicKey);
  });

  test.each(["", "not a seed", "SUAAAA"])(
    "refuses the seed %j and says what to do, without showing it",
    (seed) => {
      const { seedFile } = new KeyRing(state).key("alpha/hub");
      writeFileSync(seedFile, seed);
      const { code, message } = meshErrorOf(() => new KeyRing(state).key("alpha/hub"));
      expect([code, message]).toEqual([
        "invalid-config",
        `${seedFile} is not an nkey seed; remove it to have a new one made`,
      ]);
    },
  );

  test("refuses a seed that others may read", () => {
    chmodSync(new KeyRing(state).key("alpha/hub").seedFile, 0o644);
    expect(meshErrorOf(() => new KeyRing(state).key("alpha/hub")).message).toContain("chmod 600");
  });
});

describe("KeyRing.joined()", () => {
  test("knows what was admitted, and refuses what no server would take", () => {
    const ring = new KeyRing(state);
    expect(ring.joined("gamma/leaf")).toBeUndefined();
    const key = nkeys.createUser().getPublicKey();
    ring.admit("gamma/leaf", key);
    expect(ring.joined("gamma/leaf")).toBe(key);
    ring.admit("gamma/leaf", `U${"A".repeat(55)}`);
    const { code, message } = meshErrorOf(() => ring.joined("gamma/leaf"));
    expect([code, message]).toEqual(["invalid-config", expect.stringContaining("leaf.joined holds no")]);
  });
});

describe("KeyRing.leafKey()", () => {
  test("writes beside the seed what a server's config includes, as secret as it", () => {
    const { publicKey, seedFile, includeFile } = new KeyRing(state).leafKey("alpha");
    const { nkey } = parseConf(readFileSync(includeFile, "utf8"));
    expect(nkey).toBe(readFileSync(seedFile, "utf8").trim());
    expect(nkeys.fromSeed(new TextEncoder().encode(String(nkey))).getPublicKey()).toBe(publicKey);
    expect(modeOf(includeFile)).toBe(0o600);
  });
});
