import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  callerOf,
  isTokenKept,
  listTokens,
  MAX_TOKENS,
  makeToken,
  revokeToken,
  revokeTokens,
} from "./tokens.ts";

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adaos-tokens-"));
});
afterEach(() => rmSync(state, { recursive: true }));

const NOW = Date.now();
const made = (name = "anna"): string =>
  makeToken(state, { name, role: "viewer", expiresMs: NOW + 3_600_000 });
const idOf = (token: string): string => token.split(".")[0] ?? "";
const fileOf = (token: string): string => join(state, "viewer", "tokens", `${idOf(token)}.json`);
const said: string[] = [];
const listed = (): readonly string[] => listTokens(state, NOW, (line) => said.push(line)).map(({ id }) => id);

describe("a token", () => {
  test("tells its holder until it ends; without an end until it is revoked", () => {
    const token = made();
    const holder = { id: idOf(token), name: "anna", role: "viewer", expiresMs: NOW + 3_600_000 };
    expect(callerOf(token, state, NOW)).toEqual(holder);
    expect(() => callerOf(token, state, NOW + 3_600_000)).toThrow("expired");
    const lasting = makeToken(state, { name: "panel", role: "operator" });
    expect(callerOf(lasting, state, NOW * 2).name).toBe("panel");
    revokeToken(state, idOf(lasting));
    expect(() => callerOf(lasting, state, NOW)).toThrow("was revoked");
  });

  test("is none where a character of it differs, where it is cut, or has more", () => {
    const token = made();
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === "A" ? "B" : "A";
      const changed = token.slice(0, i) + other + token.slice(i + 1);
      // The last character of base64 has bits that mean nothing; it is compared as text all the same.
      expect(() => callerOf(changed, state, NOW), changed).toThrow("not one of this viewer");
    }
    const [id = "", secret = ""] = token.split(".");
    const { hash } = JSON.parse(readFileSync(fileOf(token), "utf8")) as { readonly hash: string };
    for (const none of [
      "",
      "a.b",
      id,
      `${id}.`,
      `.${secret}`,
      `${token}.x`,
      `${token}A`,
      ` ${token}`,
      `${token}\n`,
    ])
      expect(() => callerOf(none, state, NOW), none).toThrow("not one of this viewer");
    for (const none of [
      `${id}.${hash}`,
      `../tokens/${token}`,
      `${"0".repeat(12)}.${secret}`,
      "A".repeat(100_000),
    ])
      expect(() => callerOf(none, state, NOW), none.slice(0, 80)).toThrow("not one of this viewer");
  });

  test("is kept as a hash, in a file that others may not read", () => {
    const token = made();
    const [, secret = ""] = token.split(".");
    const text = readFileSync(fileOf(token), "utf8");
    expect(text).not.toContain(secret);
    expect(text).toContain(createHash("sha256").update(secret).digest("base64url"));
    expect(statSync(fileOf(token)).mode & 0o777).toBe(0o600);
    chmodSync(fileOf(token), 0o644);
    expect(() => callerOf(token, state, NOW)).toThrow("chmod 600");
  });

  test("is revoked alone, or with all others; its secret opens no other", () => {
    const [one, two, three] = [made(), made(), made()];
    expect(() => callerOf(`${idOf(one)}.${two.split(".")[1]}`, state, NOW)).toThrow("not one of this viewer");
    expect(revokeToken(state, idOf(one))).toBe(true);
    expect(revokeToken(state, idOf(one))).toBe(false);
    expect(isTokenKept(state, idOf(one))).toBe(false);
    expect(() => callerOf(one, state, NOW)).toThrow("was revoked");
    expect(callerOf(two, state, NOW).name).toBe("anna");
    expect(revokeTokens(state)).toBe(2);
    expect(() => callerOf(three, state, NOW)).toThrow("was revoked");
    for (const wrong of ["", ".", "..", "../../x", "nothing"]) expect(revokeToken(state, wrong)).toBe(false);
  });

  test("that is damaged or of a later version opens nothing, is told by the list, and can be revoked", () => {
    const [damaged, later, good] = [made(), made(), made()];
    truncateSync(fileOf(damaged), 20);
    writeFileSync(fileOf(later), JSON.stringify({ format: 99 }));
    expect(() => callerOf(damaged, state, NOW)).toThrow(`adaos view token revoke ${idOf(damaged)}`);
    expect(() => callerOf(later, state, NOW)).toThrow("has format 99");
    expect(listed()).toEqual([idOf(good)]);
    expect(said).toHaveLength(2);
    expect(revokeToken(state, idOf(damaged))).toBe(true);
  });
});

describe("listTokens()", () => {
  test("has those that are still good, with no secret, and none where there is no folder", () => {
    expect(listed()).toEqual([]);
    const token = made();
    makeToken(state, { name: "late", role: "operator", expiresMs: NOW - 1 });
    const [only] = listTokens(state, NOW, () => undefined);
    expect(only).toEqual({ ...callerOf(token, state, NOW), madeMs: expect.any(Number) });
    expect(listed()).toHaveLength(1);
  });
});

describe("makeToken()", () => {
  test("makes room of expired ones, and refuses above the limit", () => {
    makeToken(state, { name: "late", role: "viewer", expiresMs: NOW - 1 });
    const text = readFileSync(fileOf(made()), "utf8");
    const dir = join(state, "viewer", "tokens");
    for (let i = 2; i < MAX_TOKENS; i++)
      writeFileSync(join(dir, `${i.toString(16).padStart(12, "0")}.json`), text, { mode: 0o600 });
    made();
    expect(readdirSync(dir)).toHaveLength(MAX_TOKENS);
    expect(made).toThrow("adaos view token revoke ID");
  });
});
