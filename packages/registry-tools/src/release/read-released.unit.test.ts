import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareRegistries } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { readReleased } from "./read-released.ts";
import { formatLock } from "./registry-lock.ts";

let dir: string;
let registry: string;

function git(...args: string[]): string {
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
  return execFileSync("git", [...who, ...args], { cwd: dir, encoding: "utf8" });
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "released-"));
  registry = join(dir, "schemas/events");
  await writeFiles(registry, RIGHT);
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "first");
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

describe("readReleased()", () => {
  test("reads a folder, a lock file and a git revision alike", async () => {
    const folder = await readReleased(registry, registry);
    const lock = join(dir, "lock.json");
    writeFileSync(lock, formatLock(folder));
    for (const where of [lock, "HEAD"]) {
      const other = await readReleased(where, registry);
      expect(other).toHaveLength(3);
      expect(compareRegistries(folder, other)).toEqual([]);
    }
  });

  test("reads a revision as it was, and leaves the working tree and its index alone", async () => {
    await writeFiles(registry, edited("lab/sample.weighed/v1/schema.json", '"required": ["id"],', ""));
    git("add", "--all");
    const before = git("status", "--porcelain");
    const changes = compareRegistries(
      await readReleased("HEAD", registry),
      await readReleased(registry, registry),
    );
    expect(changes).toMatchObject([
      { event: "lab.sample.weighed@1", backward: [], forward: [{ pointer: "/id" }] },
    ]);
    expect(git("status", "--porcelain")).toBe(before);
  });

  test.each(["no-such-revision", "--upload-pack=x", "a b"])("refuses %s", async (where) => {
    await expect(readReleased(where, registry)).rejects.toMatchObject({ code: "usage" });
  });
});
