import { createHmac } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callerOf, makeToken, revokeTokens, viewerKeyFile } from "./tokens.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-tokens-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const NOW = 1_800_000_000_000;
const made = (): string => makeToken(state, { name: "anna", role: "viewer", expiresMs: NOW + 1 });

describe("a token", () => {
  test("tells its holder until it ends", () => {
    const token = made();
    expect(callerOf(token, state, NOW)).toEqual({ name: "anna", role: "viewer", expiresMs: NOW + 1 });
    expect(() => callerOf(token, state, NOW + 1)).toThrow("expired");
    expect(made()).not.toBe(token);
  });

  test("is none where a character of it differs, where it is cut, or where its key is another", () => {
    const token = made();
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === "A" ? "B" : "A";
      const changed = token.slice(0, i) + other + token.slice(i + 1);
      // The last character of base64 has bits that mean nothing; it is compared as text all the same.
      expect(() => callerOf(changed, state, NOW), changed).toThrow("not one of this viewer");
    }
    for (const length of [0, 1, token.length - 1])
      expect(() => callerOf(token.slice(0, length), state, NOW)).toThrow("not one of this viewer");
    revokeTokens(state);
    expect(() => callerOf(token, state, NOW)).toThrow("not one of this viewer");
  });

  test("is none before there is a key, and cannot be checked by a key that others may read", () => {
    expect(() => callerOf("a.b", state, NOW)).toThrow("not one of this viewer");
    const token = made();
    expect(statSync(viewerKeyFile(state)).mode & 0o777).toBe(0o600);
    chmodSync(viewerKeyFile(state), 0o644);
    expect(() => callerOf(token, state, NOW)).toThrow("chmod 600");
  });

  test("is none with a further part, and none at all where the key is empty: everybody could sign with it", () => {
    const token = made();
    expect(() => callerOf(`${token}.x`, state, NOW)).toThrow("not one of this viewer");
    truncateSync(viewerKeyFile(state));
    const [body = ""] = token.split(".");
    const forged = `${body}.${createHmac("sha256", "").update(body).digest("base64url")}`;
    expect(() => callerOf(forged, state, NOW)).toThrow("is damaged");
    expect(made).toThrow("is damaged");
    revokeTokens(state);
    expect(callerOf(made(), state, NOW).name).toBe("anna");
  });
});
