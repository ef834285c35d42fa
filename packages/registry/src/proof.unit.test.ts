import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleFolder, parseBundle, provenBundle } from "./bundle/bundle.ts";
import { loadRegistry } from "./load.ts";
import { proofText, type RegistryProof, readProof } from "./proof.ts";

const EVENTS = fileURLToPath(new URL("../../../schemas/events", import.meta.url));
const SCHEMA = "ui/notify/v1/schema.json";
const DATA = { title: "", text: 7 };

let dir: string;
let proofFile: string;
let proof: RegistryProof;

beforeEach(async () => {
  const home = await mkdtemp(join(tmpdir(), "proof-"));
  dir = join(home, "events");
  proofFile = join(home, "proven.json");
  await cp(EVENTS, dir, { recursive: true });
  await writeFile(proofFile, proofText(await loadRegistry(dir)) ?? "");
  const read = readProof(proofFile);
  if (read === undefined) throw new Error("no proof");
  proof = read;
});
afterEach(async () => {
  await rm(join(dir, ".."), { recursive: true });
});

async function edit(path: string, change: (text: string) => string): Promise<void> {
  const file = join(dir, path);
  await writeFile(file, change(await readFile(file, "utf8")));
}

describe("a registry that is known", () => {
  test("is what it is when everything is read and checked", async () => {
    const [known, read] = [await loadRegistry(dir, proof), await loadRegistry(dir)];
    expect([known.hash, known.events, known.records]).toEqual([read.hash, read.events, read.records]);
    for (const { name, version } of read.records) {
      expect(known.schemaOf(name, version)).toEqual(read.schemaOf(name, version));
      expect(known.resolve(name, version).validate(DATA)).toEqual(read.resolve(name, version).validate(DATA));
    }
    // From what was known its proof is made again.
    expect(proofText(known)).toBe(await readFile(proofFile, "utf8"));
  });

  test("is believed by its texts: not read again, it has the fault that somebody else has proven", async () => {
    const wrong = { ...proof, hash: "made up" };
    expect((await loadRegistry(dir, wrong)).hash).toBe("made up");
  });

  test("is read and checked when a text is another one", async () => {
    await edit(SCHEMA, (text) => text.replace('"type": "object"', '"type": "nonsense"'));
    await expect(loadRegistry(dir, proof)).rejects.toThrow(/schema\.json.*not a 2020-12 schema/);
    expect(await provenBundle(dir, proof)).toBeUndefined();
  });

  test("is read and checked when its index is another one, or a file is gone", async () => {
    await edit("registry.yaml", (text) => `${text}\n# a remark\n`);
    expect((await loadRegistry(dir, { ...proof, hash: "made up" })).hash).not.toBe("made up");
    await rm(join(dir, SCHEMA));
    await expect(loadRegistry(dir, proof)).rejects.toThrow(/registry\.yaml:\d+:\d+: .*does not exist/);
  });

  test("travels as the same document", async () => {
    const bundle = await bundleFolder(dir);
    expect((await provenBundle(dir, proof))?.digest).toBe(bundle.digest);
    expect((await parseBundle(bundle.bytes, "x", proof)).registry.hash).toBe(bundle.registry.hash);
  });
});

describe("readProof()", () => {
  test("believes no other program, and nothing that it cannot read", async () => {
    const text = await readFile(proofFile, "utf8");
    await writeFile(proofFile, text.replace(/"program":"[^"]*"/, '"program":"another 1 2"'));
    expect(readProof(proofFile)).toBeUndefined();
    await writeFile(proofFile, text.slice(0, 100));
    expect(readProof(proofFile)).toBeUndefined();
    expect(readProof(join(dir, "none.json"))).toBeUndefined();
    expect(readProof(undefined)).toBeUndefined();
  });
});
