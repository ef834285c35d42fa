import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assertOwnFolder, type OwnershipView, ownershipProblem } from "./own-folder.ts";

const isRoot = process.getuid?.() === 0;

let dir: string;
let state: string;
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "adaos-own-")));
  state = join(dir, "state");
  mkdirSync(state, { mode: 0o700 });
});
afterEach(() => rmSync(dir, { recursive: true }));

function refused(path: string, message: RegExp): void {
  const ask = (): void => assertOwnFolder(path, "the state folder");
  expect(ask).toThrow(expect.objectContaining({ code: "invalid-config" }));
  expect(ask).toThrow(message);
}

describe.skipIf(process.platform === "win32")("assertOwnFolder()", () => {
  test("takes one's own folder, one that others may read, one that is not there, and a link of one's own", () => {
    chmodSync(state, 0o755);
    symlinkSync("state", join(dir, "link"));
    for (const name of ["state", "none", "none/below", "link", "state/../link"])
      expect(() => assertOwnFolder(join(dir, name), "the state folder")).not.toThrow();
  });

  test.each([0o770, 0o707, 0o777, 0o1777])("refuses one of mode %o and says how to mend it", (mode) => {
    chmodSync(state, mode);
    refused(state, /^the state folder .* is not safe: others may write to it; run: chmod -R go-w \//);
    chmodSync(state, 0o700);
    expect(() => assertOwnFolder(state, "the state folder")).not.toThrow();
  });

  test("refuses one below a folder in which everybody may put another in its place, but not below /tmp", () => {
    chmodSync(dir, 0o777);
    refused(state, /everybody may write to .*; run: chmod o-w/);
    chmodSync(dir, 0o1777);
    expect(() => assertOwnFolder(state, "the state folder")).not.toThrow();
  });

  test("refuses links in a circle", () => {
    symlinkSync("b", join(dir, "a"));
    symlinkSync("a", join(dir, "b"));
    refused(join(dir, "a"), /a link that leads back to itself/);
  });

  test.runIf(isRoot)("refuses one of another user, and a link of another user on the way", () => {
    mkdirSync(join(state, "inner"), { mode: 0o700 });
    chownSync(state, 12_345, 0);
    refused(state, /belongs to user 12345; run this as that user, or run: chown -R/);
    chownSync(state, 0, 0);
    symlinkSync(state, join(dir, "theirs"));
    lchownSync(join(dir, "theirs"), 12_345, 0);
    refused(join(dir, "theirs", "inner"), /user 12345 has made the link/);
    symlinkSync("theirs/inner", join(dir, "ours"));
    refused(join(dir, "ours"), /user 12345 has made the link/);
  });
});

describe("ownershipProblem()", () => {
  const files: Readonly<Record<string, { uid: number; mode: number }>> = {
    "/home": { uid: 0, mode: 0o755 },
    "/home/state": { uid: 7, mode: 0o700 },
  };
  const viewOf = (uid: number | undefined): OwnershipView => ({ uid, look: (path) => files[path] });

  test("trusts what is one's own or the system's, and asks nothing where there are no owners", () => {
    expect(ownershipProblem("/home/state", viewOf(7))).toBeUndefined();
    expect(ownershipProblem("/home", viewOf(7))).toBeUndefined();
    expect(ownershipProblem("/home/state", viewOf(undefined))).toBeUndefined();
    expect(ownershipProblem("/home/state", viewOf(8))).toContain("belongs to user 7");
    expect(ownershipProblem("/home/state", viewOf(0))).toContain("belongs to user 7");
  });
});
