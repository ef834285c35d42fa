import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { run } from "../running/run.ts";
import { withTimeLimit } from "../time-limit.ts";
import { adopt, withWorkDir } from "./cache.ts";
import { type DebianMachine, inspectDebian } from "./debian-machine.ts";
import type { InstalledServer, InstallOptions } from "./installer.ts";

const TOTAL_MS = 120_000;
const MAX_MIRRORS = 3;
/** Debian's development suite: the nats-server of stable suites is too old. */
const SUITE = "sid";

export interface DebianOptions extends InstallOptions {
  /** Limit of the whole install; milliseconds. @default 120000 */
  readonly totalMs?: number | undefined;
  /** Folder with `etc` and `usr`. @default "/" */
  readonly root?: string | undefined;
}

/**
 * Installs Debian's own package without root and without touching the system. Rejects with MeshError `unavailable` or
 * with the signal's reason; then nothing is left behind.
 */
export async function installDebian(options: DebianOptions): Promise<InstalledServer> {
  return await withDebianPackages(["nats-server"], options, (tree, signal) =>
    adopt(options.cacheDir, join(tree, "usr/sbin/nats-server"), signal),
  );
}

/**
 * Provides packages of Debian's development suite, unpacked into one tree that is removed afterwards. apt works on
 * private state in the cache, with the mirror that this machine already uses, and checks the signatures with Debian's
 * keyring. Dependencies of the packages are not fetched. Rejects with MeshError `unavailable` when no mirror provides
 * packages that `use` can use, or with the signal's reason.
 */
export async function withDebianPackages<T>(
  names: readonly string[],
  options: DebianOptions,
  use: (tree: string, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const machine = await inspectDebian(options.env, options.root);
  return await withTimeLimit(options.totalMs ?? TOTAL_MS, "not done", options.signal, (signal) =>
    withWorkDir(options.cacheDir, async (dir) => {
      const reasons: string[] = [];
      for (const [index, mirror] of machine.mirrors.slice(0, MAX_MIRRORS).entries()) {
        try {
          const place = join(dir, String(index));
          return await use(
            await fetchPackages(names, machine, mirror, place, { ...options, signal }),
            signal,
          );
        } catch (thrown) {
          signal.throwIfAborted();
          reasons.push(`${withoutPassword(mirror)}: ${messageOf(thrown)}`);
        }
      }
      throw new MeshError("unavailable", reasons.join("; "));
    }),
  );
}

/** The private source. It must have no flags that would accept an unsigned package. Pure. */
function planAptSource(mirror: string, keyring: string, architecture: string): string {
  const options = `signed-by=${keyring} arch=${architecture} target=Packages lang=none pdiffs=no`;
  return `deb [${options}] ${mirror} ${SUITE} main\n`;
}

/**
 * apt reads this after the machine's own configuration, whose proxies and credentials are wanted. Hooks would touch the
 * system, and a default release or pins would hide the suite. An unsigned package is refused here even if the machine's
 * configuration accepts it.
 */
const APT_CONF = `
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
`;

/** @returns the folder below `dir` into which they were unpacked. */
async function fetchPackages(
  names: readonly string[],
  machine: DebianMachine,
  mirror: string,
  dir: string,
  { env, signal, onProgress }: InstallOptions,
): Promise<string> {
  await mkdir(join(dir, "state/lists/partial"), { recursive: true });
  await mkdir(join(dir, "cache/archives/partial"), { recursive: true });
  const limits = { timeoutMs: TOTAL_MS, signal, cwd: dir, env };
  const architecture = (await run(machine.dpkg, ["--print-architecture"], limits)).stdout;
  await writeFile(join(dir, "status"), "");
  await writeFile(join(dir, "apt.conf"), APT_CONF);
  await writeFile(join(dir, "sources.list"), planAptSource(mirror, machine.keyring, architecture.trim()));
  const apt = ["-q", "-c", join(dir, "apt.conf"), ...aptOptions(dir)];
  const place = withoutPassword(mirror);
  onProgress({ kind: "step", text: `reading the package list of Debian ${SUITE} from ${place}` });
  await run(machine.aptGet, [...apt, "update"], limits);
  onProgress({ kind: "step", text: `downloading Debian's ${names.join(", ")}` });
  await run(machine.aptGet, [...apt, "download", ...names], limits);
  const archives = (await readdir(dir)).filter((name) => name.endsWith(".deb"));
  if (archives.length === 0) throw new MeshError("unavailable", "apt-get downloaded nothing");
  for (const archive of archives) await run(machine.dpkgDeb, ["-x", archive, "package"], limits);
  return join(dir, "package");
}

/** On the command line, because apt.conf cannot express a path with a quote or a backslash. */
function aptOptions(dir: string): string[] {
  const options = [
    `Dir::Etc::sourcelist=${join(dir, "sources.list")}`,
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Etc::preferences=/dev/null",
    "Dir::Etc::preferencesparts=/dev/null",
    `Dir::State=${join(dir, "state")}`,
    `Dir::State::status=${join(dir, "status")}`,
    `Dir::Cache=${join(dir, "cache")}`,
  ];
  // As root, apt downloads as a user that may not enter another user's cache.
  if (process.getuid?.() === 0) options.push("APT::Sandbox::User=root");
  return options.flatMap((option) => ["-o", option]);
}

function withoutPassword(uri: string): string {
  return uri.replace(/\/\/[^/@]*@/, "//");
}
