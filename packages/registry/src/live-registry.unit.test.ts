import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleFolder, MAX_BUNDLE_BYTES, parseBundle, type RegistryBundle } from "./bundle/bundle.ts";
import { BundleCache } from "./bundle/bundle-cache.ts";
import { headingOf, PartialBundle, partOf } from "./bundle/partial-bundle.ts";
import { LiveRegistry, relationOf } from "./live-registry.ts";
import { loadRegistry } from "./load.ts";

const SCHEMAS = fileURLToPath(new URL("../../../schemas/events", import.meta.url));
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-registry-"));
  cpSync(SCHEMAS, join(dir, "events"), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

function change(file: string, from: string | RegExp, to: string): void {
  const path = join(dir, "events", file);
  const text = readFileSync(path, "utf8");
  expect(text).toMatch(from);
  writeFileSync(path, text.replace(from, to));
}

async function hashOf(): Promise<string> {
  return (await loadRegistry(join(dir, "events"))).hash;
}

/** The registry without one event. */
async function without(name: string): Promise<RegistryBundle> {
  const text = readFileSync(join(dir, "events/registry.yaml"), "utf8");
  const records = text.split(/^(?=- name: )/m).filter((record) => !record.startsWith(`- name: ${name}\n`));
  writeFileSync(join(dir, "events/registry.yaml"), records.join(""));
  return bundleFolder(join(dir, "events"));
}

describe("FileRegistry.hash", () => {
  test("is the same for the same meaning, however it is written", async () => {
    const before = await hashOf();
    const index = join(dir, "events/registry.yaml");
    const records = readFileSync(index, "utf8").split(/^(?=- name: )/m);
    const [comment = "", ...rest] = records;
    writeFileSync(
      index,
      comment +
        rest
          .map((record) => `${record.trim()}\n`)
          .reverse()
          .join(""),
    );
    change("registry.yaml", /summary: A timer has fired\./, "summary: Tick.");
    const schema = join(dir, "events/ui/notify/v1/schema.json");
    const entries = Object.entries(JSON.parse(readFileSync(schema, "utf8")) as object);
    writeFileSync(schema, JSON.stringify(Object.fromEntries(entries.reverse())));
    expect(await hashOf()).toBe(before);
  });

  test.each([
    ["a schema", "ui/notify/v1/schema.json", /"x-version": "1.0.0"/, '"x-version": "1.0.1"'],
    ["a status", "registry.yaml", /status: stable/, "status: deprecated"],
    ["a producer", "registry.yaml", /producers: \[system\]/, "producers: [system, other]"],
  ])("is another when %s is another", async (_what, file, from, to) => {
    const before = await hashOf();
    change(file, from, to);
    expect(await hashOf()).not.toBe(before);
  });
});

describe("a bundle", () => {
  test("comes over in parts as it left", async () => {
    const bundle = await bundleFolder(join(dir, "events"));
    const partial = new PartialBundle(headingOf(bundle), "the hub");
    while (!partial.isComplete)
      expect(partial.add(partial.offset, partOf(bundle, partial.offset))).toBe(true);
    const { registry } = await partial.read();
    expect(registry.hash).toBe(await hashOf());
    expect(registry.resolve("ui.notify").validate({ text: 7 }).valid).toBe(false);
  });

  test.each([
    ["another text", (bytes: Uint8Array) => bytes.with(20, 65)],
    ["no JSON", () => new TextEncoder().encode("{")],
  ])("that is %s than its heading says is refused", async (_what, spoil) => {
    const bundle = await bundleFolder(join(dir, "events"));
    const bytes = spoil(bundle.bytes);
    const partial = new PartialBundle({ ...headingOf(bundle), bytes: bytes.length }, "the hub");
    partial.add(0, bytes);
    await expect(partial.read()).rejects.toMatchObject({ code: "invalid-config" });
  });

  test("takes no part that begins elsewhere, is empty, or says too much", async () => {
    const bundle = await bundleFolder(join(dir, "events"));
    const partial = new PartialBundle(headingOf(bundle), "the hub");
    expect(partial.add(1, bundle.bytes.subarray(1))).toBe(false);
    expect(partial.add(0, new Uint8Array())).toBe(false);
    expect(partial.add(0, new Uint8Array(bundle.bytes.length + 1))).toBe(false);
    expect(partial.offset).toBe(0);
  });

  test("that is too large is not begun", () => {
    const heading = { hash: "a", digest: "b", bytes: MAX_BUNDLE_BYTES + 1 };
    expect(() => new PartialBundle(heading, "the hub")).toThrow(/the limit is/);
  });

  test.each([
    ["a file that is not in it", { "registry.yaml": RECORD("a/schema.json") }],
    ["a file outside of it", { "registry.yaml": RECORD("../../etc/passwd") }],
    ["a reference to the network", schemas({ $ref: "https://example.com/schema.json" })],
    ["a pattern that backtracks", schemas({ properties: { a: { pattern: "(?=a)b" } } })],
    ["more than a file may hold", schemas({ title: "a".repeat(1024 * 1024) })],
  ])("that names %s is refused as a folder is", async (_what, files) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ bundle: 1, files }));
    await expect(parseBundle(bytes, "the hub")).rejects.toMatchObject({ code: "invalid-config" });
  });
});

function RECORD(schema: string): string {
  return `- { name: a.b, version: 1, kind: event, summary: A., status: stable, schema: ${schema} }`;
}

function schemas(schema: object): Record<string, string> {
  return { "registry.yaml": RECORD("a.json"), "a.json": JSON.stringify(schema) };
}

describe("LiveRegistry", () => {
  test("knows what the hub serves beside its own, and tells who listens", async () => {
    const served = await bundleFolder(SCHEMAS);
    const live = new LiveRegistry((await without("timer.tick")).registry);
    let told = 0;
    const unlisten = live.onChange(() => told++);
    expect(() => live.resolve("timer.tick")).toThrow(/no event/);
    live.serve(served.registry);
    expect([live.resolve("timer.tick").version, live.relation, told]).toEqual([1, "older", 1]);
    unlisten();
    live.serve(live.own);
    expect([live.relation, told]).toEqual(["same", 1]);
    expect(() => live.resolve("timer.tick")).toThrow(/no event/);
  });

  test("keeps what the hub does not know", async () => {
    const live = new LiveRegistry(await loadRegistry(SCHEMAS));
    live.serve((await without("timer.tick")).registry);
    expect([live.resolve("timer.tick").version, live.relation]).toEqual([1, "newer"]);
  });

  test("takes the higher x-version of one event, the served one where they are equal", async () => {
    const own = await loadRegistry(SCHEMAS);
    change("registry.yaml", /status: stable/, "status: deprecated");
    change("ui/notify/v1/schema.json", /"x-version": "1.0.0"/, '"x-version": "1.10.0"');
    const changed = await loadRegistry(join(dir, "events"));
    const live = new LiveRegistry(own);
    live.serve(changed);
    const { name } = changed.records.find(({ status }) => status === "deprecated") ?? { name: "" };
    expect(live.resolve(name).deprecated).toBeDefined();
    expect([relationOf(own, changed), relationOf(changed, own)]).toEqual(["older", "newer"]);
    const reversed = new LiveRegistry(changed);
    reversed.serve(own);
    expect(reversed.resolve("ui.notify")).toBe(changed.resolve("ui.notify"));
    expect(reversed.resolve(name).deprecated).toBeUndefined();
  });
});

describe("LiveRegistry with an own contract that breaks the served one", () => {
  const SCHEMA = "ui/notify/v1/schema.json";
  const raise = (): void => change(SCHEMA, /"x-version": "1.0.0"/, '"x-version": "1.10.0"');

  test("works by the served one, however high its own version", async () => {
    raise();
    change(SCHEMA, /"required": \["text"\]/, '"required": ["text", "level"]');
    const live = new LiveRegistry(await loadRegistry(join(dir, "events")));
    expect(live.resolve("ui.notify").validate({ text: "a" }).valid).toBe(false);
    live.serve(await loadRegistry(SCHEMAS));
    expect(live.resolve("ui.notify").validate({ text: "a" }).valid).toBe(true);
  });
});

describe("BundleCache", () => {
  test("gives back what was kept, and nothing that is broken", async () => {
    const cache = new BundleCache(join(dir, "state/registry.json"), SILENT);
    expect(await cache.read()).toBeUndefined();
    await cache.write(await bundleFolder(SCHEMAS));
    expect((await cache.read())?.registry.hash).toBe((await loadRegistry(SCHEMAS)).hash);
    writeFileSync(join(dir, "state/registry.json"), "{");
    expect(await cache.read()).toBeUndefined();
    await cache.clear();
    expect(await new BundleCache(undefined, SILENT).read()).toBeUndefined();
  });
});
