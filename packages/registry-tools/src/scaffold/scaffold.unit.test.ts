import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MeshError } from "@adaos/core";
import { loadRegistry } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lintRegistry } from "../lint/lint-registry.ts";
import { applyContracts } from "./apply-contracts.ts";
import { planScaffold } from "./plan-scaffold.ts";
import type { NewContract } from "./templates.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));
const WEIGHED: NewContract = {
  name: "lab.sample.weighed",
  version: 1,
  kind: "event",
  summary: "It was weighed.",
};

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "scaffold-"));
  cpSync(EVENTS, dir, { recursive: true });
});

afterEach(() => {
  chmodSync(dir, 0o755);
  rmSync(dir, { recursive: true, force: true });
});

/** Every file and its text. */
function snapshot(): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      readFileSync(join(parentPath, name), "utf8"),
    ]),
  );
}

async function scaffold(contract: NewContract): Promise<void> {
  applyContracts(await planScaffold(dir, contract));
}

async function refusal(contract: NewContract): Promise<string> {
  try {
    await scaffold(contract);
  } catch (thrown) {
    if (thrown instanceof MeshError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
  return "no refusal";
}

describe("planScaffold() and applyContracts()", () => {
  test.each<NewContract>([
    WEIGHED,
    { ...WEIGHED, name: "lab.sample.weigh", kind: "command" },
    { ...WEIGHED, name: "scenario.run.result", kind: "reply" },
    { ...WEIGHED, name: "ui.notify", version: 2, namingException: "as before" },
    {
      ...WEIGHED,
      name: "lab.lamp",
      namingException: "a lamp is what it is",
      summary: 'With "quotes": and # signs',
    },
  ])("make a contract that lint has nothing against: $kind $name@$version", async (contract) => {
    const before = readFileSync(join(dir, "registry.yaml"), "utf8");
    await scaffold(contract);
    expect(await lintRegistry(dir)).toMatchObject({ errors: 0, warnings: 0 });
    const after = readFileSync(join(dir, "registry.yaml"), "utf8");
    expect(after.startsWith(before)).toBe(true);
    const { records } = await loadRegistry(dir);
    expect(records.at(-1)).toMatchObject({
      name: contract.name,
      version: contract.version,
      kind: contract.kind,
      summary: contract.summary,
      status: "draft",
    });
    expect(readFileSync(join(dir, "_dist/events.d.ts"), "utf8")).toContain(
      `"${contract.name}@${contract.version}"`,
    );
  });

  test("keep an index with comments and an order of its own as it is", async () => {
    const path = join(dir, "registry.yaml");
    const text = `# mine\n${readFileSync(path, "utf8")}# the end\n`;
    writeFileSync(path, text);
    await scaffold(WEIGHED);
    expect(readFileSync(path, "utf8").startsWith(text)).toBe(true);
  });

  test("write nothing before they are told to", async () => {
    const before = snapshot();
    await planScaffold(dir, WEIGHED);
    expect(snapshot()).toEqual(before);
  });

  test.each<[Partial<NewContract>, RegExp]>([
    [{ name: "../evil.thing.done" }, /^usage: .*tokens are a-z/],
    [{ name: "/etc/passwd" }, /^usage: /],
    [{ name: "lab.v1.done" }, /^usage: .*write the version as @1/],
    [{ name: "lab" }, /^usage: .*needs 2 to 8 tokens/],
    [{ name: "lab.sample.weigh" }, /name-event\); did you mean lab\.sample\.weighed\?$/],
    [{ name: "lab.sample.weighed", kind: "command" }, /name-command/],
    [{ name: "lab.sample.weigh", kind: "reply" }, /name-reply/],
    [
      { name: "lab.sample.weigh.result", kind: "reply" },
      /no command of the registry \(reply-without-command\)/,
    ],
    [{ version: 0 }, /^usage: version must be/],
    [{ name: "ui.notify", namingException: "x" }, /^usage: ui\.notify@1 is in .* already/],
    [{ summary: "x".repeat(301) }, /at most 300 characters/],
  ])("refuse %j and write nothing", async (change, told) => {
    const before = snapshot();
    expect(await refusal({ ...WEIGHED, ...change })).toMatch(told);
    expect(snapshot()).toEqual(before);
  });

  test("refuse a folder that is there already, and leave it alone", async () => {
    mkdirSync(join(dir, "lab/sample.weighed/v1"), { recursive: true });
    writeFileSync(join(dir, "lab/sample.weighed/v1/mine.txt"), "mine");
    const before = snapshot();
    expect(await refusal(WEIGHED)).toMatch(/is there already/);
    expect(snapshot()).toEqual(before);
  });

  test("refuse a namespace that is a link out of the registry", async () => {
    const outside = mkdtempSync(join(tmpdir(), "outside-"));
    symlinkSync(outside, join(dir, "lab"));
    expect(await refusal(WEIGHED)).toMatch(/no folder but a file or a link/);
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });

  test("undo everything when a file cannot be written", async () => {
    const plan = await planScaffold(dir, WEIGHED);
    // Where the types should go, a folder: all but the index has been written by then.
    rmSync(join(dir, "_dist/events.d.ts"));
    mkdirSync(join(dir, "_dist/events.d.ts"));
    const before = snapshot();
    expect(() => applyContracts(plan)).toThrow(/nothing was made|EISDIR/);
    expect(snapshot()).toEqual(before);
    expect(readdirSync(dir).filter((name) => name === "lab" || name.startsWith(".scaffold"))).toEqual([]);
  });

  test("refuse an index that was changed since, and one that somebody else changes now", async () => {
    const plan = await planScaffold(dir, WEIGHED);
    const path = join(dir, "registry.yaml");
    writeFileSync(path, `${readFileSync(path, "utf8")}# new\n`);
    expect(() => applyContracts(plan)).toThrow(/changed meanwhile/);
    writeFileSync(`${path}.new`, "");
    expect(await refusal(WEIGHED)).toMatch(/^usage: .*somebody else/);
    expect(readdirSync(dir)).not.toContain("lab");
  });

  test("refuse a registry that is not right", async () => {
    writeFileSync(join(dir, "ui/notify/v1/schema.json"), "{");
    expect(await refusal(WEIGHED)).toMatch(/^invalid-config: .*schema\.json: not JSON/);
  });
});
