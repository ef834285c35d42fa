import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMeshFile } from "@adaos/config";
import { compilePolicy, Policy } from "@adaos/core";
import { rulesBySubnet } from "@adaos/core/wire";
import { type FileRegistry, loadRegistry } from "@adaos/registry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOME } from "../../../test/kit/mesh.ts";
import { lintPolicy } from "./lint-policy.ts";

const REGISTRY = join(HOME, "schemas/events");

let dir: string;
let registry: FileRegistry;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "adaos-growth-"));
  registry = await loadRegistry(REGISTRY);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** Processor time, in milliseconds, to read, compile and lint the policy of so many subnets. */
function costOf(subnets: number): number {
  const members = "{ m0: { publish: [nlp., ui.], subscribe: [ui.] }, m1: { publish: [ui.] } }";
  const lines = Array.from(
    { length: subnets },
    (_, i) => `  s${i}: { export: [nlp., ui.], import: [ui., nlp.], members: ${members} }`,
  );
  const file = join(dir, `${subnets}.yaml`);
  writeFileSync(file, ["mesh: large", `registry: ${REGISTRY}`, "subnets:", ...lines].join("\n"));
  const before = process.cpuUsage();
  const meshFile = readMeshFile(file);
  const { events } = registry;
  const rules = compilePolicy(meshFile.mesh, events);
  const policy = new Policy(rules);
  expect(rulesBySubnet(rules).size).toBe(subnets);
  expect(lintPolicy({ meshFile, registry, events, rules, policy })).toEqual([]);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test("a policy of 500 subnets costs in proportion to one of 125", () => {
  // The first run also pays for the compiler; other work of the machine is not counted.
  costOf(125);
  const best = (subnets: number): number => Math.min(...[1, 2, 3].map(() => costOf(subnets)));
  // In proportion is 4 times, the square is 16 times. The best of three: a collection of garbage may meet any run.
  expect(best(500) / best(125)).toBeLessThan(12);
}, 120_000);
