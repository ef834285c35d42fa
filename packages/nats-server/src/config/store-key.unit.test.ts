import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  assertStoreKey,
  claimStore,
  markStore,
  newStoreKey,
  readStoreKeyId,
  storeKeyFile,
  storeKeyIdOf,
} from "./store-key.ts";

let dir: string;
let key: string;
let store: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-store-key-"));
  key = join(dir, "store.key");
  store = join(dir, "store");
});
afterEach(() => rmSync(dir, { recursive: true }));

describe("newStoreKey()", () => {
  test("makes a private file that a server's config includes, each with another key", () => {
    const id = newStoreKey(key);
    expect(readFileSync(key, "utf8")).toMatch(/^key: "[A-Za-z0-9_-]{43}"\n$/);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(readStoreKeyId(key)).toBe(id);
    expect(newStoreKey(join(dir, "other.key"))).not.toBe(id);
  });

  test("keeps an existing file", () => {
    writeFileSync(key, "mine");
    expect(() => newStoreKey(key)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(readFileSync(key, "utf8")).toBe("mine");
  });
});

describe("readStoreKeyId()", () => {
  test("refuses a file that others may read", () => {
    newStoreKey(key);
    chmodSync(key, 0o640);
    expect(() => readStoreKeyId(key)).toThrow(/others may read it/);
  });

  test.each([
    ["", "nothing"],
    ["secret", "no entry"],
    ['key: "short"\n', "a short key"],
    [`key: "${"a".repeat(43)}"\naccounts: {}\n`, "more entries"],
    [`key: "${"a".repeat(42)}$\n`, "another character"],
  ])("refuses %j: %s", (text) => {
    writeFileSync(key, text, { mode: 0o600 });
    expect(() => readStoreKeyId(key)).toThrow(expect.objectContaining({ code: "invalid-config" }));
    expect(() => readStoreKeyId(key)).not.toThrow(/secret|aaaa/);
  });
});

describe("claimStore()", () => {
  test("records the key of new streams, and takes only that key again", () => {
    const id = newStoreKey(key);
    claimStore(store, key);
    expect(storeKeyIdOf(store)).toBe(id);
    claimStore(store, key);
    const other = join(dir, "other.key");
    newStoreKey(other);
    expect(() => claimStore(store, other)).toThrow(expect.objectContaining({ code: "invalid-config" }));
    expect(() => claimStore(store, undefined)).toThrow(/no key is configured/);
    expect(storeKeyIdOf(store)).toBe(id);
  });

  test("leaves streams alone that are not encrypted", () => {
    claimStore(store, undefined);
    expect(readdirSync(dir)).toEqual([]);
  });

  test("a check alone records nothing", () => {
    newStoreKey(key);
    assertStoreKey(store, key);
    expect(storeKeyIdOf(store)).toBeUndefined();
  });
});

test("markStore() replaces and removes what was recorded", () => {
  markStore(store, "1");
  markStore(store, "2");
  expect(storeKeyIdOf(store)).toBe("2");
  markStore(store, undefined);
  expect(storeKeyIdOf(store)).toBeUndefined();
});

test("storeKeyFile() resolves the include from the config's folder", () => {
  const encryption = { cipher: "aes", keyInclude: "../../k/store.key" } as const;
  expect(storeKeyFile("/s/servers/alpha.conf", { encryption })).toBe("/k/store.key");
  expect(storeKeyFile("/s/servers/alpha.conf", {})).toBeUndefined();
});

describe("encrypted streams whose record is lost", () => {
  beforeEach(() => {
    const stream = join(store, "jetstream/ALPHA/streams/EVENTS_alpha");
    mkdirSync(stream, { recursive: true });
    writeFileSync(join(stream, "meta.key"), "sealed");
  });

  test.each(["", "\n"])("are not started with a key that nobody has checked (record: %j)", (record) => {
    const id = newStoreKey(key);
    writeFileSync(join(store, "key-id"), record);
    expect(() => claimStore(store, key)).toThrow(new RegExp(`write its id ${id} into that file`));
    expect(() => assertStoreKey(store, undefined)).toThrow(/are encrypted, and .*key-id/);
    writeFileSync(join(store, "key-id"), `${id}\n`);
    claimStore(store, key);
    expect(storeKeyIdOf(store)).toBe(id);
  });
});
