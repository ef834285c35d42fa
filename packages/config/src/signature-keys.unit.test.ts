import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { meshErrorOf } from "../../../test/kit/stand-ins.ts";
import { readMeshFile } from "./mesh-file.ts";
import { newSignatureKey, readSignatureKey, readSignatures } from "./signature-keys.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-signature-keys-"));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

function keyFile(): string {
  const file = join(dir, "keys/k1.key");
  newSignatureKey(file);
  return file;
}

describe("a signature key", () => {
  test("is 32 random bytes for the owner's eyes only, and shows none when it is printed", () => {
    const file = keyFile();
    const text = readFileSync(file, "utf8").trim();
    const key = readSignatureKey(file);
    expect([key.symmetricKeySize, statSync(file).mode & 0o777]).toEqual([32, 0o600]);
    expect(Buffer.from(text, "base64url").equals(key.export())).toBe(true);
    expect(JSON.stringify(key) + String(key)).not.toContain(text);
    expect(readFileSync(keyFile(), "utf8")).not.toBe(`${text}\n`);
  });

  test.each([0o644, 0o640, 0o604])("of mode %o is refused, with what to do and without the key", (mode) => {
    const file = keyFile();
    chmodSync(file, mode);
    const { code, message } = meshErrorOf(() => readSignatureKey(file));
    expect([code, message]).toEqual([
      "invalid-config",
      `${file} holds a secret and others may read it; run: chmod 600 ${file}`,
    ]);
  });

  test.each(["", "short", "a".repeat(42), "a".repeat(44), `${"a".repeat(42)}=`])(
    "is refused when its file holds %j, without showing it",
    (text) => {
      const file = keyFile();
      writeFileSync(file, text);
      const { code, message } = meshErrorOf(() => readSignatureKey(file));
      expect([code, message]).toEqual([
        "invalid-config",
        `${file} contains no signature key; restore its former content`,
      ]);
    },
  );

  test("that is missing is named", () => {
    const file = join(dir, "none.key");
    const entry = { alpha: { sign: "k1", keys: { k1: "none.key" }, maxAgeMs: 1000, required: true } };
    const { code, message } = meshErrorOf(() => readSignatures(entry, (path) => join(dir, path)));
    expect([code, message]).toEqual(["invalid-config", expect.stringContaining(`${file} cannot be read`)]);
  });
});

describe("signatures of a mesh file", () => {
  function rulesOf(signatures: string): unknown {
    const file = join(dir, "mesh.yaml");
    writeFileSync(file, `mesh: demo\nsubnets:\n  alpha: { signatures: ${signatures} }\n`);
    return readMeshFile(file).mesh.subnets.get("alpha")?.signatures;
  }

  test("accept the key that signs, require signatures, and let an event be 14 days old", () => {
    expect(rulesOf("{ sign: k2 }")).toEqual({
      sign: "k2",
      accept: ["k2"],
      maxAgeMs: 14 * 86_400_000,
      required: true,
    });
    expect(rulesOf("{ sign: k2, accept: [k1, k2, k1], maxAgeMs: 1000, required: false }")).toEqual({
      sign: "k2",
      accept: ["k1", "k2"],
      maxAgeMs: 1000,
      required: false,
    });
  });

  test.each([
    ["{ sign: k3, accept: [k1, k2] }", "must contain the signing key"],
    ["{ accept: [k1] }", "sign"],
    ["{ sign: K1 }", "must be 1 to 32 of a-z 0-9 -"],
    ["{ sign: ../k1 }", "must be 1 to 32 of a-z 0-9 -"],
    [`{ sign: ${"k".repeat(33)} }`, "must be 1 to 32 of a-z 0-9 -"],
    ["{ sign: k1, accept: [] }", "accept"],
    ["{ sign: k1, maxAgeMs: 999 }", "maxAgeMs"],
    ["{ sign: k1, key: secret }", "key"],
  ])("refuses %s with line and column", (signatures, problem) => {
    const { code, message } = meshErrorOf(() => rulesOf(signatures));
    expect(code).toBe("invalid-config");
    expect(message).toMatch(/mesh\.yaml:3:\d+/);
    expect(message).toContain(problem);
  });
});
