import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Invitation, Invitations } from "./invitations.ts";
import { makeJoinCode } from "./join-code.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-invitations-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function invitation(forMs: number): Invitation {
  const { id, publicKey: key } = makeJoinCode(false);
  return { id, key, sealKey: "", subnet: "gamma", expiresAt: new Date(Date.now() + forMs).toISOString() };
}

describe("Invitations", () => {
  test("keeps them in files that only their owner may read", () => {
    const made = invitation(60_000);
    new Invitations(dir).add(made);
    expect(new Invitations(dir).list()).toEqual([made]);
    expect(new Invitations(dir).open()).toEqual(new Map([[made.id, made.key]]));
    expect(statSync(join(dir, "invitations", `${made.id}.json`)).mode & 0o077).toBe(0);
  });

  test("drops what has expired when it is met", () => {
    const invitations = new Invitations(dir);
    invitations.write(invitation(-1));
    expect(invitations.list()).toEqual([]);
    expect(readdirSync(join(dir, "invitations"))).toEqual([]);
  });

  test("holds sixteen at most, of which those that have expired do not count", () => {
    const invitations = new Invitations(dir);
    for (let i = 0; i < 16; i++) invitations.write(invitation(-1));
    for (let i = 0; i < 16; i++) invitations.add(invitation(60_000));
    expect(() => invitations.add(invitation(60_000))).toThrow(
      expect.objectContaining({ code: "backpressure" }),
    );
  });

  test("finds nothing outside of its folder, and says which file is spoilt", () => {
    const invitations = new Invitations(dir);
    const made = invitation(60_000);
    invitations.add(made);
    for (const id of ["", "..", `../invitations/${made.id}`, `${made.id}.json`, made.id.toUpperCase()]) {
      expect(invitations.find(id)).toBeUndefined();
    }
    writeFileSync(join(dir, "invitations", `${made.id}.json`), "{");
    expect(() => invitations.list()).toThrow(new RegExp(`${made.id}\\.json is spoilt`));
  });
});
