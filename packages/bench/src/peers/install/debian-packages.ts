import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { counted } from "@adaos/core/wire";
import { peersDir } from "./peers-dir.ts";
import { runTool } from "./run-tool.ts";

const STEP_MS = 180_000;
const WORK_PREFIX = ".work-";
const STALE_AFTER_MS = 60 * 60 * 1000;

/**
 * apt reads it after the machine's own configuration: hooks would change the system, and unsigned packages must not
 * pass.
 */
const APT_CONF = `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "1";
`;

/** The folder of a package unpacked by {@link unpackDebianPackage}, whether or not it exists. */
export function unpackedDir(name: string): string {
  return join(peersDir(), name);
}

/**
 * Unpacks a package of this machine's release into the cache, with its dependencies that the machine lacks. It
 * installs nothing, needs no root, and leaves apt's lists unchanged. Rejects with `unavailable`.
 */
export async function unpackDebianPackage(name: string, say: (line: string) => void): Promise<void> {
  if (process.platform !== "linux" || !existsSync("/usr/bin/apt-get")) {
    throw new MeshError(
      "unavailable",
      `${name} is not on PATH, and this machine has no apt to fetch it with`,
    );
  }
  await mkdir(peersDir(), { recursive: true });
  await removeStale();
  const dir = await mkdtemp(join(peersDir(), WORK_PREFIX));
  try {
    for (const part of ["lists/partial", "cache/archives/partial", "root"]) {
      await mkdir(join(dir, part), { recursive: true });
    }
    await writeFile(join(dir, "apt.conf"), APT_CONF);
    const apt = (args: readonly string[]): Promise<string> =>
      runTool("apt-get", [...args, "-q", "-c", join(dir, "apt.conf"), ...aptOptions(dir)], {
        cwd: dir,
        timeoutMs: STEP_MS,
      });
    say(`reading this machine's package lists for ${name}`);
    await apt(["update"]);
    const missing = missingPackages(await apt(["install", "--simulate", "--no-install-recommends", name]));
    say(`downloading ${name}: ${counted(missing.length, "package")}`);
    await apt(["download", ...missing]);
    for (const archive of (await readdir(dir)).filter((file) => file.endsWith(".deb"))) {
      await runTool("dpkg-deb", ["-x", archive, "root"], { cwd: dir, timeoutMs: STEP_MS });
    }
    // One rename: another run sees all of it or nothing.
    await rm(unpackedDir(name), { recursive: true, force: true });
    await rename(join(dir, "root"), unpackedDir(name));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Removes the remains of a killed install. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(peersDir())) {
    if (!name.startsWith(WORK_PREFIX)) continue;
    const dir = join(peersDir(), name);
    const info = await stat(dir).catch(() => undefined);
    if (info === undefined || Date.now() - info.mtimeMs < STALE_AFTER_MS) continue;
    await rm(dir, { recursive: true, force: true });
  }
}

/** Package names in the output of `apt-get install --simulate`. Pure. */
export function missingPackages(simulation: string): string[] {
  return [...simulation.matchAll(/^Inst (\S+) /gm)].map(([, name = ""]) => name);
}

function aptOptions(dir: string): string[] {
  const options = [`Dir::State::lists=${join(dir, "lists")}`, `Dir::Cache=${join(dir, "cache")}`];
  // As root, apt downloads as a user that may not enter another user's cache.
  if (process.getuid?.() === 0) options.push("APT::Sandbox::User=root");
  return options.flatMap((option) => ["-o", option]);
}

/** The library folders of unpacked programs. */
export async function libraryPath(root: string): Promise<string> {
  const found: string[] = [];
  for (const lib of ["usr/lib", "lib"]) {
    const names = await readdir(join(root, lib)).catch(() => []);
    found.push(...names.filter((name) => name.includes("-linux-")).map((name) => join(root, lib, name)));
  }
  return [...found, process.env["LD_LIBRARY_PATH"] ?? ""].filter((path) => path !== "").join(":");
}
