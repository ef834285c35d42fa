import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type AutoApply, registryApprovalFile, registryInForceFile } from "@adaos/config";
import { judgeFolder } from "@adaos/registry-tools";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../../test/kit/mesh.ts";
import { edited, RIGHT, writeFiles } from "../../../../test/kit/small-registry.ts";
import { RecordingLog } from "../../../../test/kit/stand-ins.ts";
import { decideRegistry } from "./decide-registry.ts";
import { RegistryFolder } from "./registry-folder.ts";

const SCHEMA = "lab/sample.weighed/v1/schema.json";
const COMPATIBLE = edited(SCHEMA, '"minLength": 1 }', '"minLength": 1 }, "n": { "type": "integer" }');
const BREAKING = edited(SCHEMA, '"type": "string", "minLength": 1', '"type": "string", "maxLength": 5');
const CLASSIFIED = edited(SCHEMA, '"minLength": 1', '"maxLength": 5, "x-classification": "pii"');
let base: string;
let dir: string;
let stateDir: string;
const opened: RegistryFolder[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "registry-folder-"));
  [dir, stateDir] = [join(base, "events"), join(base, "state")];
  await mkdir(dir);
  await writeFiles(dir, RIGHT);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((folder) => folder.stop()));
  await rm(base, { recursive: true });
});

async function open(autoApply: AutoApply = "compatible"): Promise<RegistryFolder> {
  const folder = new RegistryFolder({
    dir,
    autoApply,
    stateDir,
    log: new RecordingLog(),
    judge: judgeFolder,
  });
  opened.push(folder);
  await folder.start();
  await until("it is judged", () => noteOf(folder) !== "none is in force yet");
  return folder;
}

const noteOf = (folder: RegistryFolder): string => folder.health().note ?? folder.health().reason ?? "";

describe("RegistryFolder", () => {
  test("keeps the last good registry when what is saved breaks it, after a restart too, and says so", async () => {
    const first = await open();
    const good = first.inForce?.digest;
    expect(good).toBeDefined();
    await writeFiles(dir, BREAKING);
    await until("it is refused", () => noteOf(first).includes("breaking-change"));
    expect(noteOf(first)).toContain("lab.sample.weighed@1 breaks what is in force");
    expect([first.inForce?.digest, first.health().ready]).toEqual([good, true]);
    await first.stop();
    const second = await open();
    expect(second.inForce?.digest).toBe(good);
    await until("it is refused again", () => noteOf(second).includes("breaking-change"));
    await writeFiles(dir, { "registry.yaml": "- oops" });
    await until("it is broken", () => noteOf(second).includes("is broken, the last good version is offered"));
    await second.stop();
    const third = await open();
    await until("it says so again", () => noteOf(third).includes("is broken"));
    expect([third.inForce?.digest, third.health().ready]).toEqual([good, false]);
    await writeFiles(dir, { ...RIGHT, ...COMPATIBLE });
    await until("what is compatible is in force", () => third.inForce?.digest !== good);
    expect(third.health().ready).toBe(true);
  });

  test("waits for an operator when it is told to, but never for the first, and takes just what he has seen", async () => {
    const folder = await open(false);
    const good = folder.inForce?.digest;
    expect(good).toBeDefined();
    await writeFiles(dir, COMPATIBLE);
    await until("it waits", () =>
      noteOf(folder).includes("1 changed event to be put in force: adaos registry apply"),
    );
    const wanted = String(folder.health().details?.["waiting"]);
    await writeFile(registryApprovalFile(stateDir), "0".repeat(64));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(folder.inForce?.digest).toBe(good);
    await writeFile(registryApprovalFile(stateDir), wanted);
    await until("it is in force", () => folder.inForce?.digest === wanted);
  });

  test("takes a stricter classification at once, also of what is refused", async () => {
    const folder = await open(false);
    const classes = (): readonly unknown[] => folder.classified.flatMap(({ classes: all = [] }) => all);
    expect(classes()).toEqual([]);
    await writeFiles(dir, CLASSIFIED);
    await until("it is classified", () => classes().includes("pii"));
    await until("and refused", () => noteOf(folder).includes("breaking-change"));
    await writeFiles(dir, { [SCHEMA]: RIGHT[SCHEMA] ?? "" });
    await until("it is taken back", () => classes().length === 0);
  });

  test("offers nothing that it could not keep", async () => {
    await mkdir(stateDir);
    await writeFile(join(stateDir, "registry"), "no folder");
    const folder = await open();
    expect([folder.inForce, folder.health().ready]).toEqual([undefined, false]);
  });

  test("follows what another root daemon has put in force", async () => {
    const one = await open();
    const other = await open();
    await writeFiles(dir, COMPATIBLE);
    await until(
      "both have it",
      () => one.inForce !== undefined && one.inForce.digest === other.inForce?.digest,
    );
    expect(existsSync(dirname(registryInForceFile(stateDir)))).toBe(true);
  });
});

describe("decideRegistry()", () => {
  const served = (digest: string) => ({
    registry: { hash: digest, events: [] },
    bytes: new Uint8Array(),
    digest,
  });
  const found = { kind: "read", candidate: served("b"), changes: [], faults: [] } as const;
  const fault = { rule: "breaking-change", at: "x.done@1", told: "breaks" } as const;

  test("puts nothing in force that has a fault, whoever wants it", () => {
    for (const inForce of [undefined, served("a")]) {
      const asked = {
        found: { ...found, faults: [fault] },
        inForce,
        autoApply: "compatible",
        approved: "b",
      } as const;
      expect(decideRegistry(asked).kind).toBe("refused");
    }
  });

  test("says nothing of a folder that holds what is in force", () => {
    const asked = {
      found: { ...found, faults: [fault] },
      inForce: served("b"),
      autoApply: false,
      approved: undefined,
    } as const;
    expect(decideRegistry(asked)).toEqual({ kind: "in-force" });
  });
});
