import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { credentialName, secretPlace } from "./credentials.ts";

let handed: string;

beforeEach(() => {
  handed = mkdtempSync(join(tmpdir(), "adaos-credentials-"));
});

afterEach(() => rmSync(handed, { recursive: true }));

describe("secretPlace()", () => {
  const file = "/state/keys/alpha/members/kitchen.nk";

  test("is the credential of that name", () => {
    const name = credentialName("alpha/members/kitchen.nk");
    expect(name).toBe("alpha_members_kitchen.nk");
    writeFileSync(join(handed, name), "seed");
    const env = { ADAOS_CREDENTIALS_OF: "/state/keys", CREDENTIALS_DIRECTORY: handed };
    expect(secretPlace(file, env)).toEqual({ file: join(handed, name), isCredential: true });
  });

  test.each([
    ["without systemd", {}],
    ["when the unit names no folder of keys", { CREDENTIALS_DIRECTORY: "." }],
    ["for a file of another folder", { ADAOS_CREDENTIALS_OF: "/other/keys", CREDENTIALS_DIRECTORY: "." }],
    ["when it was not handed over", { ADAOS_CREDENTIALS_OF: "/state/keys", CREDENTIALS_DIRECTORY: "." }],
  ])("is the file itself %s", (_, env) => {
    const given = "CREDENTIALS_DIRECTORY" in env ? { ...env, CREDENTIALS_DIRECTORY: handed } : env;
    expect(secretPlace(file, given)).toEqual({ file, isCredential: false });
  });
});
