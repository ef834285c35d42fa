import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventNameProblem } from "@adaos/core/wire";
import type { FileRegistry } from "@adaos/registry";
import { loadRegistry } from "@adaos/registry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OctokitEvent, writeOctokitRegistry } from "../../../../test/kit/octokit-registry.ts";

let dir: string;
let events: readonly OctokitEvent[];
let registry: FileRegistry;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "octokit-registry-"));
  ({ events } = await writeOctokitRegistry(dir));
  registry = await loadRegistry(dir);
}, 60_000);

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe("the octokit corpus", () => {
  test("becomes 161 events with legal names", () => {
    expect(registry.records).toHaveLength(161);
    expect(
      events.map(({ name }) => eventNameProblem(name)).filter((problem) => problem !== undefined),
    ).toEqual([]);
  });

  test("has 329 payloads, judged as plain ajv judges them: 276 accepted, each refusal naming a field", () => {
    const different: string[] = [];
    const nameless: string[] = [];
    let accepted = 0;
    for (const event of events) {
      const { valid, violations } = registry.resolve(event.name).validate(event.data);
      if (valid) accepted++;
      if (valid !== event.accepted) different.push(event.name);
      if (!valid && !violations.some(({ pointer }) => pointer.startsWith("/"))) nameless.push(event.name);
    }
    expect({ total: events.length, accepted, different, nameless }).toEqual({
      total: 329,
      accepted: 276,
      different: [],
      nameless: [],
    });
  }, 60_000);
});
