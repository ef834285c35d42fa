import { readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { peersDir } from "./peers-dir.ts";
import { runTool } from "./run-tool.ts";

/**
 * Names and pins the clients. It is not a workspace of this repository, so that only the benchmark installs them.
 */
const MANIFEST_DIR = fileURLToPath(new URL("../../../peers", import.meta.url));
const INSTALL_MS = 300_000;
/** Written last: without it an install is incomplete. */
const DONE_FILE = "installed-lock.json";

const npmDir = (): string => join(peersDir(), "npm");

export async function areNpmPeersInstalled(): Promise<boolean> {
  const wanted = await readFile(join(MANIFEST_DIR, "package-lock.json"), "utf8");
  const held = await readFile(join(npmDir(), DONE_FILE), "utf8").catch(() => "");
  return wanted === held;
}

/** Installs into the cache, from the registry of the user's npm settings. Rejects with `unavailable`. */
export async function installNpmPeers(say: (line: string) => void): Promise<void> {
  if (await areNpmPeersInstalled()) return;
  say("installing the peers' clients with npm ci");
  const dir = npmDir();
  await mkdir(dir, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) {
    await copyFile(join(MANIFEST_DIR, name), join(dir, name));
  }
  // The clients are plain JavaScript: install scripts would only build a faster option of one of them.
  const flags = ["--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];
  // `npm run` sets it, and it would send npm back to this repository.
  const { npm_config_local_prefix: _, ...env } = process.env;
  await runTool("npm", ["ci", ...flags], { cwd: dir, env, timeoutMs: INSTALL_MS });
  await writeFile(join(dir, DONE_FILE), await readFile(join(dir, "package-lock.json"), "utf8"));
}

/** A client's module, typed by the caller. Throws when it is not installed. */
export function loadPeer<T>(name: string): T {
  return createRequire(join(npmDir(), "package.json"))(name) as T;
}

/** Versions of installed clients, by name. */
export function versionsOfPeers(names: readonly string[]): Readonly<Record<string, string>> {
  const versionOf = (name: string): string => {
    const manifest = readFileSync(join(npmDir(), "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(manifest) as { version: string }).version;
  };
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}
