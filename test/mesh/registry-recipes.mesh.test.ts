import { execFile } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml } from "@adaos/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { HOME } from "../kit/mesh.ts";
import { writeFiles, writeRight } from "../kit/small-registry.ts";

/** The files that docs/guide/check-contracts.md shows, by the path in their first comment. */
const FILES = Object.fromEntries(
  [
    ...readFileSync(join(HOME, "docs/guide/check-contracts.md"), "utf8").matchAll(
      /^```(?:sh|yaml)\n((?:#![^\n]*\n)?# (\S+)\n.*?)^```$/gms,
    ),
  ].map(([, text = "", path = ""]) => [path, text]),
);
const SCHEMA = "events/lab/sample.weighed/v1/schema.json";

let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "recipes-"));
  await writeRight(join(dir, "events"));
  await writeFiles(dir, {
    ...FILES,
    ".gitignore": "node_modules\n",
    "skills/scale/skill.yaml": "events: { publish: [lab.sample.weighed@1] }\n",
  });
  chmodSync(join(dir, ".githooks/pre-commit"), 0o755);
  symlinkSync(join(HOME, "node_modules"), join(dir, "node_modules"));
  await sh(
    "git init -q && git config user.name t && git config user.email t@example.org && git config core.hooksPath .githooks",
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function sh(script: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", script], { cwd: dir }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: out + err }),
    );
  });
}

/** Does something with a file changed, and leaves it as it was. */
async function changed(path: string, from: string, to: string, during: () => Promise<void>): Promise<void> {
  const file = join(dir, path);
  const before = readFileSync(file, "utf8");
  if (!before.includes(from)) throw new Error(`${path} has no ${from}`);
  writeFileSync(file, before.replace(from, to));
  try {
    await during();
  } finally {
    writeFileSync(file, before);
    await sh("git add -A");
  }
}

/** The shell lines of a file for CI or for pre-commit. */
function lines(path: string): string[] {
  const texts = (value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap(texts);
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, held]) =>
      ["run", "entry"].includes(key) ? [String(held)] : key === "script" ? (held as string[]) : texts(held),
    );
  };
  return texts(parseYaml(FILES[path] ?? "", path, z.unknown()).value);
}

const CI = [".pre-commit-config.yaml", ".github/workflows/events.yml", ".gitlab-ci.yml"];

describe("the recipes of docs/guide/check-contracts.md, in a repository of their own", () => {
  test("let a clean commit pass", async () => {
    const { code, output } = await sh("git add -A && git commit -qm first");
    expect(output).toContain("3 events, 0 errors, 0 warnings");
    expect(code).toBe(0);
  });

  test.each([
    ["a broken schema", SCHEMA, '"type": "object"', '"type": "objekt"', /schema-invalid/],
    [
      "a schema whose types are stale",
      SCHEMA,
      '"minLength": 1',
      '"minLength": 1, "maxLength": 9',
      /dist-stale/,
    ],
    [
      "an example that is not valid",
      "events/lab/sample.weighed/v1/examples/good.json",
      '"a"',
      "7",
      /example-invalid/,
    ],
    ["a skill with an unknown event", "skills/scale/skill.yaml", "weighed@1", "weighed@2", /use-unknown/],
  ])("stop %s", async (_, path, from, to, wanted) => {
    await changed(path, from, to, async () => {
      const { code, output } = await sh("git add -A && git commit -qm broken");
      expect(output).toMatch(wanted);
      expect(code).not.toBe(0);
    });
    expect((await sh("git log --oneline")).output.trim().split("\n")).toHaveLength(1);
  });

  test("look at what is staged, and at nothing else", async () => {
    appendFileSync(join(dir, "README.md"), "more\n");
    await sh("git add README.md");
    await changed(SCHEMA, '"type": "object"', '"type": "objekt"', async () => {
      expect((await sh("git commit -qm unstaged")).code).toBe(0);
    });
  });

  test.each(CI)("%s runs the same check", async (path) => {
    const [last = ""] = lines(path).slice(-1);
    expect(lines(path).slice(0, -1)).toEqual(path.startsWith(".pre") ? [] : ["npm ci"]);
    expect((await sh(last)).code).toBe(0);
    await changed(SCHEMA, '"type": "object"', '"type": "objekt"', async () => {
      expect((await sh(last)).code).toBe(78);
    });
  });
});
