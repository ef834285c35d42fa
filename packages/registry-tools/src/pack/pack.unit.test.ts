import {
  existsSync,
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
import { compareRecords, loadRegistry } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { contract, edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { applyPack, diffPack, PACK_MANIFEST } from "./apply-pack.ts";
import { estimateTokens, MAX_PART_TOKENS } from "./estimate-tokens.ts";
import { planPack } from "./plan-pack.ts";

const EVENTS = fileURLToPath(new URL("../../../../schemas/events", import.meta.url));

let dir: string;
let registry: string;
let output: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-pack-"));
  registry = join(dir, "registry");
  output = join(dir, "out");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A registry of `count` events in the domain `lab`, each with a schema of about `bytes` bytes. */
async function manyEvents(count: number, bytes: number): Promise<void> {
  const names = [...Array(count).keys()].map((i) => `lab.sample${i}.weighed`);
  const files: Record<string, string> = {};
  const records = names.map((name) => {
    const base = `${name.replace(".", "/")}/v1`;
    Object.assign(files, contract(name));
    const schema = JSON.parse(files[`${base}/schema.json`] ?? "");
    files[`${base}/schema.json`] = JSON.stringify({ ...schema, description: "word ".repeat(bytes / 5) });
    return {
      name,
      version: 1,
      kind: "event",
      summary: "A summary.",
      status: "stable",
      schema: `${base}/schema.json`,
      examples: [`${base}/examples/good.json`],
      invalid_examples: [`${base}/examples/invalid/no-id.json`],
    };
  });
  await writeFiles(registry, { ...files, "registry.yaml": JSON.stringify(records) });
}

describe("planPack()", () => {
  test("makes the same pack of the same registry", async () => {
    expect([...(await planPack(EVENTS)).files]).toEqual([...(await planPack(EVENTS)).files]);
  });

  test("makes a pack that is a registry of the same events, and whose index names its files", async () => {
    const { files, parts } = await planPack(EVENTS);
    applyPack(output, files);
    const packed = await loadRegistry(output);
    const source = await loadRegistry(EVENTS);
    const refs = source.records.toSorted(compareRecords).map(({ name, version }) => `${name}@${version}`);
    expect(packed.records.map(({ name, version }) => `${name}@${version}`)).toEqual(refs);
    expect(parts.flatMap((part) => part.refs)).toEqual(refs);
    const { events } = JSON.parse(files.get("registry.json") ?? "");
    for (const event of events) {
      const named = [event.schema, event.part, event.snippet, ...event.examples, ...event.invalid_examples];
      for (const path of named) expect(files.has(path), path).toBe(true);
    }
    for (const [, path = ""] of (files.get("llms.txt") ?? "").matchAll(/\]\((.*?)\)/g))
      expect(files.has(path), path).toBe(true);
  });

  test("splits a large domain into parts within the bound, each event in one", async () => {
    await manyEvents(40, 2000);
    const { parts, files } = await planPack(registry);
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.map(({ path }) => path)).toEqual(parts.map((_, i) => `domains/lab/${i + 1}.md`));
    for (const { path } of parts)
      expect(estimateTokens(files.get(path) ?? ""), path).toBeLessThanOrEqual(MAX_PART_TOKENS);
    const refs = parts.flatMap((part) => part.refs);
    expect([refs.length, new Set(refs).size]).toEqual([40, 40]);
  });

  test("names the schema of an event too large for a part instead of showing it", async () => {
    await manyEvents(2, 60_000);
    const { parts } = await planPack(registry);
    for (const { text, tokens } of parts) {
      expect(tokens).toBeLessThanOrEqual(MAX_PART_TOKENS);
      expect(text).toMatch(/Schema: left out, it is too large; read schemas\/lab\/sample0.weighed/);
      expect(text).toContain('bus.publish("lab.sample0.weighed@1"');
    }
  });

  test("names every event in its index while that is not too large", async () => {
    expect((await planPack(EVENTS)).files.get("llms.txt")).toContain("scenario.completed@1, scenario.run@1");
    await manyEvents(1200, 5);
    const { files, parts } = await planPack(registry);
    const index = files.get("llms.txt") ?? "";
    expect(estimateTokens(index)).toBeLessThanOrEqual(MAX_PART_TOKENS);
    for (const { refs } of parts)
      expect(index).toContain(`${refs.length} events, ${refs[0]} to ${refs.at(-1)}`);
  });

  test("joins a command with its reply, and asks for the headers that an event needs", async () => {
    await writeFiles(registry, {
      ...RIGHT,
      ...edited(
        "registry.yaml",
        "required_headers: [correlation_id]",
        "required_headers: [causation_id, shelf]",
      ),
    });
    const { files } = await planPack(registry);
    expect(files.get("snippets/lab.sample.weighed.v1.ts")).toContain(
      'PublishOptions & { causationId: string; headers: Record<"shelf", string> }',
    );
    expect(files.get("snippets/lab.sample.weigh.v1.ts")).toContain(
      'Envelope<EventData<"lab.sample.weigh.result@1">>',
    );
    expect(files.get("snippets/lab.sample.weigh.result.v1.ts")).not.toContain("publish");
  });

  test("tells what publishing an invalid example is refused with", async () => {
    const { files } = await planPack(EVENTS);
    expect(
      JSON.parse(files.get("tests/fixtures/invalid/ui.notify.v1/unknown-level.json") ?? ""),
    ).toMatchObject({
      event: "ui.notify@1",
      error: {
        code: "invalid-event",
        pointer: "/level",
        keyword: "enum",
        expected: expect.stringContaining("one of"),
      },
    });
  });

  test.each([
    [
      "lab/sample.weigh/v1/examples/invalid/no-id.json",
      '"/id"',
      '"/other"',
      /no-id\.json does not give .* registry lint/,
    ],
    [
      "lab/sample.weigh/v1/examples/invalid/no-id.json",
      '"data": {}',
      '"data": {"id":"a"}',
      /no-id\.json does not give/,
    ],
    ["lab/sample.weigh/v1/examples/good.json", '"a"', "7", /good\.json is not valid; .* registry lint/],
    ["lab/sample.weigh/v1/examples/good.json", "{", "", /good\.json is not JSON/],
  ])("refuses a registry of which %s is not what it should be", async (path, from, to, told) => {
    await writeFiles(registry, { ...RIGHT, ...edited(path, from, to) });
    await expect(planPack(registry)).rejects.toMatchObject({
      code: "invalid-config",
      message: expect.stringMatching(told),
    });
  });
});

describe("applyPack()", () => {
  const files = new Map([
    ["llms.txt", "one"],
    ["domains/ui/1.md", "two"],
  ]);

  test("writes, leaves what is right, replaces its own, and takes away what is left of it", () => {
    expect(applyPack(output, files)).toMatchObject({ created: [...files.keys()] });
    expect(applyPack(output, files)).toEqual({
      created: [],
      changed: [],
      removed: [],
      same: [...files.keys()],
    });
    expect(applyPack(output, new Map([["llms.txt", "three"]]))).toEqual({
      created: [],
      changed: ["llms.txt"],
      removed: ["domains/ui/1.md"],
      same: [],
    });
    expect(readdirSync(output).sort()).toEqual(["llms.txt", PACK_MANIFEST]);
  });

  test("refuses what somebody else made or changed, and leaves all as it was", () => {
    mkdirSync(output);
    writeFileSync(join(output, "llms.txt"), "mine");
    expect(() => applyPack(output, files)).toThrow(/llms\.txt was not made by adaos events pack/);
    expect(readdirSync(output)).toEqual(["llms.txt"]);
    rmSync(join(output, "llms.txt"));
    applyPack(output, files);
    writeFileSync(join(output, "domains/ui/1.md"), "mine");
    const other = new Map([["llms.txt", "three"]]);
    expect(() => applyPack(output, other)).toThrow(/changed by somebody else/);
    expect(readFileSync(join(output, "llms.txt"), "utf8")).toBe("one");
  });

  test("leaves files beside its own alone", () => {
    applyPack(output, files);
    writeFileSync(join(output, "notes.txt"), "mine");
    writeFileSync(join(output, "llms.txt.new"), "mine");
    applyPack(output, new Map());
    expect(readdirSync(output).sort()).toEqual(["llms.txt.new", "notes.txt", PACK_MANIFEST]);
  });

  test("goes into no folder that is somebody else's, and tells so before it writes", () => {
    mkdirSync(output);
    writeFileSync(join(output, "notes.txt"), "mine");
    for (const write of [diffPack, applyPack])
      expect(() => write(output, files)).toThrow(/holds files and no pack/);
    expect(readdirSync(output)).toEqual(["notes.txt"]);
    rmSync(join(output, "notes.txt"));
    writeFileSync(join(output, `${PACK_MANIFEST}.17.new`), "cut off");
    expect(applyPack(output, files).created).toHaveLength(files.size);
  });

  test.runIf(process.platform === "linux")("ends where no folder can be made", () => {
    expect(() => applyPack("/proc/none", files)).toThrow(/cannot be written/);
  });

  test("goes on where it was cut off", () => {
    applyPack(output, files);
    const next = new Map([["llms.txt", "three"]]);
    const done = { made_by: "adaos events pack", files: {}, before: {} as Record<string, string> };
    const made = JSON.parse(readFileSync(join(output, PACK_MANIFEST), "utf8"));
    writeFileSync(join(output, PACK_MANIFEST), JSON.stringify({ ...done, before: made.files }));
    expect(applyPack(output, next)).toMatchObject({ changed: ["llms.txt"], removed: ["domains/ui/1.md"] });
  });

  test("follows no link, neither to write nor to remove", () => {
    const elsewhere = join(dir, "elsewhere");
    mkdirSync(join(elsewhere, "ui"), { recursive: true });
    mkdirSync(output);
    symlinkSync(elsewhere, join(output, "domains"));
    expect(() => applyPack(output, files)).toThrow(/domains is in the way/);
    expect(readdirSync(join(elsewhere, "ui"))).toEqual([]);
  });

  test.each([
    ["a path out of the folder", { made_by: "adaos events pack", files: { "../victim": "0".repeat(64) } }],
    ["another maker", { made_by: "somebody", files: {} }],
    ["no list of files", { made_by: "adaos events pack" }],
  ])("refuses a manifest with %s", (_, manifest) => {
    mkdirSync(output);
    writeFileSync(join(output, PACK_MANIFEST), JSON.stringify(manifest));
    writeFileSync(join(dir, "victim"), "");
    expect(() => applyPack(output, files)).toThrow(/is not of adaos events pack/);
    expect(existsSync(join(dir, "victim"))).toBe(true);
  });

  test("diffPack() tells the same and writes nothing", () => {
    expect(diffPack(output, files)).toMatchObject({ created: [...files.keys()], changed: [] });
    expect(existsSync(output)).toBe(false);
  });
});
