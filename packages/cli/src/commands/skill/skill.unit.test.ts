import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOME } from "../../../../../test/kit/mesh.ts";
import { styles, type Terminal } from "../../terminal/terminal.ts";
import { skillCheckCommand } from "./check.ts";
import { skillNewCommand } from "./new.ts";

const REGISTRY = ["--registry", join(HOME, "schemas/events")];
const MESH = ["--config", join(HOME, "deploy/mesh.yaml")];
let dir: string;
let out: string[];
let said: string[];
const terminal: Terminal = {
  out: (line) => void out.push(line),
  say: (line) => void said.push(line),
  outIsTty: false,
  colors: styles(false),
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "skill-"));
  out = [];
  said = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true });
  process.exitCode = 0;
});

const begin = (...args: readonly string[]): Promise<unknown> =>
  skillNewCommand(terminal).parseAsync([...args, "--dir", dir, ...REGISTRY], { from: "user" });
const check = (...args: readonly string[]): Promise<unknown> =>
  skillCheckCommand(terminal).parseAsync([dir, ...REGISTRY, ...args], { from: "user" });

function edit(name: string, from: string, to: string): void {
  const path = join(dir, name);
  writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
}

describe("adaos skill", () => {
  test("new writes skills without a fault, and check prints their digests", async () => {
    await begin("greeter");
    await begin("counter", "--language", "python", "--event", "timer.tick");
    out = [];
    await check("--strict");
    expect(said).toEqual([]);
    expect(out[0]).toMatch(/^counter 0.1.0 sha256:[0-9a-f]{64}$/);
    expect(out.at(-1)).toBe("2 skills, 0 errors, 0 warnings");
    expect(process.exitCode ?? 0).toBe(0);
  });

  test("new overwrites nothing, and writes nothing for a dry run or another name", async () => {
    await begin("greeter", "--dry-run");
    expect([out[0], existsSync(join(dir, "greeter"))]).toEqual([
      expect.stringMatching(/^would create /),
      false,
    ]);
    await begin("greeter");
    await expect(begin("greeter")).rejects.toThrow("is never overwritten");
    await expect(begin("../up")).rejects.toThrow('the skill\'s name "../up"');
    await expect(begin("x".repeat(41))).rejects.toThrow("is longer than 40 characters");
    await expect(begin("up", "--publish", "ui.notfy")).rejects.toThrow("did you mean ui.notify?");
  });

  test.each([
    [
      "an unknown key",
      "events:",
      "evnts:",
      /skill.yaml:5:1 error unknown key "evnts"; did you mean events\?/,
    ],
    ["an unknown event", "ui.notify@1", "ui.notfy@1", /skill.yaml:7:13 error .*did you mean ui.notify@1\?/],
    [
      "an entry that is not there",
      "version:",
      "entry: main.mjs\nversion:",
      /skill.yaml:3:8 error there is no main.mjs/,
    ],
  ])("check reports %s with its place, and exits with 78", async (_, from, to, told) => {
    await begin("greeter");
    edit("greeter/skill.yaml", from, to);
    await check();
    expect(said.join("\n")).toMatch(told);
    expect(process.exitCode).toBe(78);
  });

  test("check asks the policy of a member", async () => {
    await begin("greeter");
    await check("--as", "alpha/kitchen", ...MESH);
    expect(said).toEqual([
      expect.stringMatching(
        /skill.yaml:6:15 error policy does not let alpha\/kitchen subscribe nlp.intent.detected@1/,
      ),
    ]);
    await expect(check("--as", "alpha/nobody", ...MESH)).rejects.toThrow(
      "the mesh has no member alpha/nobody",
    );
  });
});
