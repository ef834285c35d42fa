import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder, writeNew } from "@adaos/config";
import { SKILL_FILE } from "../file/read-skill.ts";
import type { MemberSkillFiles } from "../set/member-files.ts";
import type { PlannedInstall } from "./plan-install.ts";

/** What an install has changed. */
export interface InstallResult {
  readonly status: "installed" | "unchanged";
  readonly version: string;
  readonly previousVersion: string | undefined;
}

const FOLDER = "installed";
/** Enough of a digest to tell versions of one skill apart. */
const DIGEST_CHARS = 16;

/**
 * Writes a skill below the member's folder of skills. It is in force with the one write of `installed.json`: a kill
 * before that leaves the earlier version, and a folder that the next install removes.
 */
export function applyInstall(
  { skill, version, digest, content }: PlannedInstall,
  files: MemberSkillFiles,
): InstallResult {
  const installed = files.installed();
  const before = installed[skill];
  // A skill may have removed its own folder.
  if (before?.digest === digest && existsSync(join(files.dir, before.folder, SKILL_FILE)))
    return { status: "unchanged", version: before.version, previousVersion: undefined };
  const own = join(FOLDER, skill);
  const folder = join(own, digest.slice("sha256:".length).slice(0, DIGEST_CHARS));
  const target = join(files.dir, folder);
  const staged = `${target}.new`;
  for (const old of [staged, target]) rmSync(old, { recursive: true, force: true });
  makeFolder(staged, 0o700);
  for (const [path, bytes] of content) {
    mkdirSync(dirname(join(staged, path)), { recursive: true, mode: 0o700 });
    writeNew(join(staged, path), bytes, 0o600);
  }
  renameSync(staged, target);
  files.storeInstalled({ ...installed, [skill]: { version, digest, folder } });
  // The version before may still be running: it is left until the next install.
  const kept = new Set([folder, before?.folder]);
  for (const name of readdirSync(join(files.dir, own)))
    if (!kept.has(join(own, name))) rmSync(join(files.dir, own, name), { recursive: true, force: true });
  return { status: "installed", version, previousVersion: before?.version };
}
