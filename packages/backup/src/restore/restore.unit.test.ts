import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "../file/manifest.ts";
import { BackupWriter } from "../file/write-backup.ts";
import { restoreBackup } from "./restore-backup.ts";

const TIMES = { began: "2026-01-01T00:00:00.000Z", ended: "2026-01-01T00:00:01.000Z" };
const EMPTY = { ...{ mesh: "home", host: "here", stateDir: "/state", hasKeys: false }, ...TIMES };

let dir: string;
let state: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "adaos-restore-unit-"));
  state = join(dir, "state");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A backup without streams. */
async function backupOf(
  files: readonly (Pick<Manifest["files"][number], "of" | "path"> & { readonly content: Buffer })[],
): Promise<string> {
  const file = join(dir, "backup");
  const writer = await BackupWriter.open({ file });
  const kept: Manifest["files"][number][] = [];
  for (const { content, ...one } of files)
    kept.push({ ...one, runs: false, ...(await writer.blob(content)) });
  await writer.finish({ ...EMPTY, remote: [], missing: [], servers: [], files: kept });
  return file;
}

const MARKS = { of: "state", path: "marks/a_b/left.marks", content: Buffer.from("marks") } as const;

describe("restoreBackup()", () => {
  test("gives files back for their owner only", async () => {
    await restoreBackup({ file: await backupOf([MARKS]), stateDir: state });
    expect(readFileSync(join(state, MARKS.path), "utf8")).toBe("marks");
    expect(readdirSync(dir).sort()).toEqual(["backup", "state"]);
  });

  test("refuses a file that is there twice, and leaves nothing", async () => {
    const file = await backupOf([MARKS, MARKS]);
    await expect(restoreBackup({ file, stateDir: state })).rejects.toThrow(/was not restored/);
    expect(readdirSync(dir)).toEqual(["backup"]);
  });

  test.each(["state", "state/mesh", "."])(
    "refuses a folder of the mesh file at %s before it reads",
    async (at) => {
      const options = { file: join(dir, "none"), stateDir: state, meshDir: join(dir, at) };
      await expect(restoreBackup(options)).rejects.toThrow(/lie one within the other/);
    },
  );

  test.each(["state", "mesh"])("refuses a link in the place of %s before it reads", async (name) => {
    mkdirSync(join(dir, "empty"));
    symlinkSync(join(dir, "empty"), join(dir, name));
    const options = { file: join(dir, "none"), stateDir: state, meshDir: join(dir, "mesh") };
    await expect(restoreBackup(options)).rejects.toThrow(/is a link or a disk of its own/);
  });

  test("takes the mesh files back when the state folder was taken meanwhile", async () => {
    const mesh = { of: "mesh", path: "mesh.yaml", content: Buffer.from("mesh: home") } as const;
    const file = await backupOf([MARKS, mesh]);
    const options = { file, stateDir: state, meshDir: join(dir, "mesh") };
    const restoring = restoreBackup(options);
    // The folder is looked at before the backup is read.
    mkdirSync(join(state, "other"), { recursive: true });
    await expect(restoring).rejects.toThrow(/was not restored/);
    expect(readdirSync(dir).sort()).toEqual(["backup", "state"]);
    expect(existsSync(join(state, "other"))).toBe(true);
  });

  test("reads no book of positions that is larger than any", async () => {
    const large = { of: "state", path: "positions/root.json", content: Buffer.alloc(67_108_865) } as const;
    const file = await backupOf([large]);
    await expect(restoreBackup({ file, stateDir: state })).rejects.toThrow(/larger than any that is written/);
  });
});
