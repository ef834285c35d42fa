import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMeshFile } from "@adaos/config";
import { loadPolicy } from "@adaos/policy";
import { KeyRing, provision } from "@adaos/provision";
import { nkeys } from "nats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { assertApplied, planUpdate } from "./apply-policy.ts";
import { lackingSignatureKeys } from "./lacking-signature-keys.ts";

const MESH = `
mesh: demo
registry: events
subnets:
  alpha:
    export: [lab.]
    signatures: { sign: k1 }
    members: { kitchen: { publish: [lab.] }, hall: { remote: true, publish: [lab.] } }
  beta: { remote: true, export: [lab.] }
  gamma: { remote: true, import: [lab.] }
  delta: { remote: true, import: [lab.] }
`;
const SCHEMA = Object.keys(RIGHT).find((path) => path.endsWith("weighed/v1/schema.json")) ?? "";

let dir: string;
let state: string;
let file: string;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-lacking-"));
  state = join(dir, "state");
  file = join(dir, "mesh.yaml");
  await writeFiles(join(dir, "events"), RIGHT);
  writeFileSync(file, MESH);
  const ring = new KeyRing(state);
  // Delta has not joined: it gets all keys when it does.
  for (const name of ["alpha/members/hall", "beta/leaf", "gamma/leaf"])
    ring.admit(name, nkeys.createUser().getPublicKey());
  await provision(readMeshFile(file), state);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function lacking(yaml: string): Promise<string[]> {
  writeFileSync(file, yaml);
  const loaded = await loadPolicy(file);
  const keys = lackingSignatureKeys(await planUpdate(loaded, state), loaded, state);
  return keys.map(({ node, subnet, keyId }) => `${node} ${subnet} ${keyId}`);
}

describe("lackingSignatureKeys()", () => {
  test("names who has joined and is to verify or sign by a key that is new", async () => {
    expect(await lacking(MESH)).toEqual([]);
    expect(await lacking(MESH.replace("sign: k1", "sign: k1, accept: [k1, k2]"))).toEqual([
      "alpha/hall alpha k2",
      "gamma/hub alpha k2",
    ]);
    expect(await lacking(MESH.replace("beta: {", "beta: { signatures: { sign: k9 },"))).toEqual([
      "beta/hub beta k9",
      "gamma/hub beta k9",
    ]);
  });

  test("names nobody for a key that is dropped, and all when the root's file is gone", async () => {
    expect(await lacking(MESH.replace("signatures: { sign: k1 }", "import: []"))).toEqual([]);
    rmSync(join(state, "nodes/root.json"));
    expect(await lacking(MESH)).toEqual(["alpha/hall alpha k1", "gamma/hub alpha k1"]);
  });
});

describe("assertApplied()", () => {
  test("names the mesh file and the registry, which may be what has changed the rules", async () => {
    await expect(assertApplied(await loadPolicy(file), state)).resolves.toBeUndefined();
    await writeFiles(join(dir, "events"), edited(SCHEMA, '"minLength": 1', '"x-classification": "pii"'));
    await expect(assertApplied(await loadPolicy(file), state)).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/mesh\.yaml.*registry in .*events.*run adaos policy apply/),
    });
  });
});
