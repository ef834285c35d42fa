import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readMeshFile, registryCachePath } from "@adaos/config";
import { provision } from "@adaos/provision";
import { bundleFolder } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { envelopeOf } from "../../../../test/kit/stand-ins.ts";
import { EventMask } from "./event-mask.ts";
import { keptRegistries } from "./kept-registries.ts";

const SCHEMA = Object.keys(RIGHT).find((path) => path.endsWith("weighed/v1/schema.json")) ?? "";
const CLASSIFIED = { ...RIGHT, ...edited(SCHEMA, '"minLength": 1', '"x-classification": "pii"') };

let dir: string;
let state: string;
const said: string[] = [];
const say = (message: string): void => void said.push(message);
beforeEach(async () => {
  said.length = 0;
  dir = mkdtempSync(join(tmpdir(), "adaos-kept-"));
  state = join(dir, "state");
  await writeFiles(join(dir, "old"), RIGHT);
  await writeFiles(join(dir, "new"), CLASSIFIED);
  const file = join(dir, "mesh.yaml");
  writeFileSync(file, "mesh: demo\nregistry: old\nsubnets: { alpha: { members: { desk: {} } } }\n");
  await provision(readMeshFile(file), state);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function keep(id: string, registry: string | Uint8Array): Promise<void> {
  const file = registryCachePath(state, id);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    typeof registry === "string" ? (await bundleFolder(join(dir, registry))).bytes : registry,
  );
}

async function shown(): Promise<unknown> {
  const mask = await EventMask.open(state, say);
  return mask.envelope(envelopeOf({ event_name: "lab.sample.weighed", data: { id: "canary" } as never }))
    .data;
}

describe("EventMask.open()", () => {
  test("masks what a hub or member was served as classified since, though the folder says nothing of it", async () => {
    expect(await shown()).toEqual({ id: "canary" });
    for (const id of ["alpha/hub", "alpha/desk"]) {
      await keep("alpha/hub", "old");
      await keep("alpha/desk", "old");
      await keep(id, "new");
      expect(JSON.stringify(await shown())).toMatch(/^\{"id":"[^"]*pii[^"]*"\}$/);
    }
    expect(said).toEqual([]);
  });

  test("leaves out what cannot be read, and says so", async () => {
    await keep("alpha/hub", Buffer.from("{"));
    await keep("alpha/desk", "new");
    expect(JSON.stringify(await shown())).not.toContain("canary");
    expect(said).toEqual([expect.stringMatching(/^the registry that alpha\/hub was served is left out/)]);
    await keep("alpha/desk", Buffer.alloc(8 * 1024 * 1024 + 1));
    expect(await shown()).toEqual({ id: "canary" });
  });
});

describe("keptRegistries()", () => {
  test("reads each registry once, of so many nodes and no more", async () => {
    await keep("alpha/hub", "new");
    await keep("alpha/desk", "new");
    const { nodes } = await provision(readMeshFile(join(dir, "mesh.yaml")), state);
    expect(await keptRegistries({ nodes }, say)).toHaveLength(1);
    await keep("alpha/desk", Buffer.from("{"));
    const desk = nodes.filter(({ id }) => id === "alpha/desk");
    await keptRegistries({ nodes: Array.from({ length: 100 }, () => desk).flat() }, say);
    expect(said).toHaveLength(1);
  });
});
