import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleFolder, type RegistryBundle } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { Clearance } from "./clearance.ts";

const EVENT = { name: "lab.sample.weighed", version: 1 };
const SCHEMA = "lab/sample.weighed/v1/schema.json";
let dir: string;
let bundle: RegistryBundle;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "clearance-"));
  await writeFiles(dir, RIGHT);
  bundle = await bundleFolder(dir);
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function classify(): Promise<void> {
  await writeFiles(dir, edited(SCHEMA, '"minLength": 1', '"x-classification": "pii"'));
  bundle = await bundleFolder(dir);
}

function refusal(check: () => void): unknown {
  try {
    check();
    return undefined;
  } catch (thrown) {
    return (thrown as { rule?: string }).rule;
  }
}

describe("Clearance", () => {
  test("holds back what the registry classifies from then on, without another policy", async () => {
    const clearance = new Clearance(new Map([["beta", []]]), () => bundle.registry.events);
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBeUndefined();
    await classify();
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBe("clearance");
    expect(
      refusal(() => clearance.assertMayHave("beta", { ...EVENT, name: "lab.sample.weigh" })),
    ).toBeUndefined();
  });

  test("holds back what is classified in the folder, also while the registry in force says nothing of it", async () => {
    const inForce = bundle.registry.events;
    await classify();
    const both = [...bundle.registry.events, ...inForce];
    const clearance = new Clearance(new Map([["beta", []]]), () => both);
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBe("clearance");
  });

  test("lets pass who is cleared, and follows what subnets are cleared for", async () => {
    await classify();
    const subnets = new Map<string, ("pii" | "secret")[]>([["beta", ["secret"]]]);
    const clearance = new Clearance(subnets, () => bundle.registry.events);
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBe("clearance");
    subnets.set("beta", ["secret", "pii"]);
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBeUndefined();
  });

  test("lets nothing leave that nobody else may have", async () => {
    await classify();
    const subnets = new Map<string, ("pii" | "secret")[]>([
      ["alpha", ["pii"]],
      ["beta", []],
    ]);
    const clearance = new Clearance(subnets, () => bundle.registry.events);
    expect(refusal(() => clearance.assertMayLeave("alpha", EVENT))).toBe("clearance");
    expect(refusal(() => clearance.assertMayLeave("beta", EVENT))).toBeUndefined();
  });

  test("classifies nothing without a registry", () => {
    const clearance = new Clearance(new Map(), () => []);
    expect(refusal(() => clearance.assertMayHave("beta", EVENT))).toBeUndefined();
  });
});
