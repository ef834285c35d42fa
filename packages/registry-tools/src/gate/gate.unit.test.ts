import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRegistry, releasedEvents } from "@adaos/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { formatLock } from "../release/registry-lock.ts";
import { type FolderJudgement, judgeFolder } from "./judge-folder.ts";

const SCHEMA = "lab/sample.weighed/v1/schema.json";
const INDEX = "registry.yaml";
let dir: string;
let inForce: Uint8Array;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gate-"));
  await writeFiles(dir, RIGHT);
  inForce = await putInForce();
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

type Read = Extract<FolderJudgement["found"], { kind: "read" }>;

async function judged(before: Uint8Array | null = inForce): Promise<Read> {
  const { found } = await judgeFolder(dir, before ?? undefined);
  if (found.kind === "broken") throw new Error(found.reason);
  return found;
}

async function putInForce(): Promise<Uint8Array> {
  return (await judged(null)).candidate.bytes;
}

/** The index with the status of the event, which is its first. */
function withStatus(status: string): string {
  return (RIGHT[INDEX] ?? "").replace("status: stable", `status: ${status}`);
}

const rules = ({ faults }: Read): string[] => faults.map(({ rule, at }) => `${rule} ${at.split("/").at(-1)}`);

describe("judgeFolder()", () => {
  test("takes the first registry that lint calls right, whatever it warns of and however stale its generated files are", async () => {
    await writeFiles(dir, { "_dist/registry.json": "{}", "stray.json": "{}" });
    const { found, inForce: before } = await judgeFolder(dir);
    expect(before).toBeUndefined();
    expect(found).toMatchObject({ kind: "read", faults: [] });
    expect((found as Read).changes.map(({ change }) => change)).toEqual(["new", "new", "new"]);
  });

  test("refuses what lint calls an error, with its place", async () => {
    await writeFiles(dir, edited(SCHEMA, "urn:adaos:schema:lab.sample.weighed:v1", "urn:other:x"));
    expect((await judged(null)).faults).toEqual([
      {
        rule: "schema-id",
        at: expect.stringContaining("schema.json:2:"),
        told: expect.stringContaining("urn:adaos"),
      },
    ]);
  });

  test("refuses what breaks an event in force, and says which and what to do", async () => {
    await writeFiles(dir, edited(SCHEMA, '"required": ["id"]', '"required": ["id", "n"]'));
    await writeFiles(dir, { "lab/sample.weighed/v1/examples/good.json": '{ "id": "a", "n": 1 }' });
    await writeFiles(dir, {
      "lab/sample.weighed/v1/examples/invalid/no-id.json":
        '{ "error": { "pointer": "/id", "keyword": "required" }, "data": { "n": 1 } }',
    });
    const found = await judged();
    expect(rules(found)).toEqual(["breaking-change lab.sample.weighed@1"]);
    expect(found.faults[0]?.told).toContain("adaos events scaffold lab.sample.weighed --version 2");
    expect(found.changes).toEqual([
      { event: "lab.sample.weighed@1", change: "breaking", notes: [found.faults[0]?.told] },
    ]);
  });

  test("takes an optional field, and one that is classified", async () => {
    await writeFiles(
      dir,
      edited(
        SCHEMA,
        '"minLength": 1 }',
        '"minLength": 1 }, "n": { "type": "integer", "x-classification": "pii" }',
      ),
    );
    const { changes, faults, candidate } = await judged();
    expect([changes.map(({ change }) => change), faults]).toEqual([["changed"], []]);
    expect(candidate.registry.events.find(({ name }) => name === "lab.sample.weighed")?.classes).toEqual([
      "pii",
    ]);
  });

  test("lets an event go only after it was deprecated, and never makes it a draft again", async () => {
    const without = (RIGHT[INDEX] ?? "").split("\n").slice(13).join("\n");
    await writeFiles(dir, { [INDEX]: without });
    expect(rules(await judged())).toEqual(["released-removed lab.sample.weighed@1"]);
    await writeFiles(dir, { [INDEX]: withStatus("draft") });
    expect(rules(await judged())).toEqual(["released-removed lab.sample.weighed@1"]);
    await writeFiles(dir, { [INDEX]: withStatus("deprecated") });
    const deprecated = await judged();
    expect(deprecated.changes.map(({ change }) => change)).toEqual(["deprecated"]);
    expect(deprecated.faults).toEqual([]);
    await writeFiles(dir, { [INDEX]: without });
    const gone = await judged(deprecated.candidate.bytes);
    expect([gone.changes.map(({ change }) => change), gone.faults]).toEqual([["removed"], []]);
  });

  test("lets a draft change freely", async () => {
    await writeFiles(dir, { [INDEX]: withStatus("draft") });
    const draft = await putInForce();
    await writeFiles(dir, edited(SCHEMA, '"minLength": 1', '"maxLength": 5'));
    expect((await judged(draft)).faults).toEqual([]);
  });

  test("holds what was released against it, and tells of each event once", async () => {
    await writeFiles(dir, { "registry.lock.json": formatLock(releasedEvents(await loadRegistry(dir))) });
    await writeFiles(dir, edited(SCHEMA, '"minLength": 1', '"maxLength": 5'));
    expect(rules(await judged())).toEqual([expect.stringMatching(/^breaking-change registry.yaml:1:/)]);
    await writeFiles(dir, edited(SCHEMA, '"minLength": 1 }', '"minLength": 1 }, "n": {}'));
    expect(rules(await judged())).toEqual([expect.stringMatching(/^version-not-raised registry.yaml:1:/)]);
  });

  test("tells of a folder that cannot be read, and what is in force all the same", async () => {
    await writeFiles(dir, { [INDEX]: "- oops" });
    const { found, inForce: before } = await judgeFolder(dir, inForce);
    expect([found.kind, before?.bytes]).toEqual(["broken", inForce]);
  });
});
