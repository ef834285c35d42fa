import { join } from "node:path";
import { MeshError } from "@adaos/core";
import { extract } from "tar";
import { withTimeLimit } from "../time-limit.ts";
import { adopt, withWorkDir } from "./cache.ts";
import { downloadFile, downloadText } from "./download.ts";
import type { InstalledServer, InstallOptions } from "./installer.ts";
import { armVersion, parseSha256Sums, pinnedDigest, releaseTarget, resolveReleaseUrl } from "./release.ts";
import { TESTED_VERSION } from "./version.ts";

const MAX_SUMS_BYTES = 64 * 1024;
const MAX_BINARY_BYTES = 256 * 1024 * 1024;

export interface ReleaseLimits {
  /** Time from a request to the start of its answer; milliseconds. @default 5000 */
  readonly answerMs: number;
  /** Limit of the whole install; milliseconds. @default 60000 */
  readonly totalMs: number;
  /** Largest archive. @default 67108864 (64 MiB) */
  readonly maxArchiveBytes: number;
}

const LIMITS: ReleaseLimits = { answerMs: 5_000, totalMs: 60_000, maxArchiveBytes: 64 * 1024 * 1024 };

export interface ReleaseOptions extends InstallOptions {
  readonly limits?: Partial<ReleaseLimits> | undefined;
  /** @default process.platform */
  readonly platform?: NodeJS.Platform | undefined;
  /** Digests of the tested version's archives by target. @default those of this repository */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

/**
 * Installs the tested version from the official release: downloads its archive, compares its digest, and only then
 * extracts the one file wanted. `ADAOS_NATS_RELEASE_URL` names a mirror of the release folder, the one that contains
 * `v<version>/`. The digest is that of `ADAOS_NATS_RELEASE_SHA256`, else the pinned one. For a target without either it
 * is that of the release's `SHA256SUMS`. That protects against damage only; TLS proves that the server is the right
 * one. Rejects with MeshError `unavailable`, with `invalid-config` for a bad mirror or digest, or with the signal's
 * reason; then nothing is left behind.
 */
export async function installRelease(options: ReleaseOptions): Promise<InstalledServer> {
  const limits = { ...LIMITS, ...options.limits };
  const base = resolveReleaseUrl(options.env);
  const target = releaseTarget(options.platform ?? process.platform, process.arch, armVersion());
  if (target.kind === "none") throw new MeshError("unavailable", target.reason);
  const pinned = pinnedDigest(base, target.name, options.env, options.pins);
  const name = `nats-server-v${TESTED_VERSION}-${target.name}`;
  return await withTimeLimit(limits.totalMs, "not done", options.signal, (signal) =>
    withWorkDir(options.cacheDir, async (dir) => {
      const archive = await fetchArchive(base, `${name}.tar.gz`, dir, { ...options, signal, limits, pinned });
      await extractServer(archive, `${name}/nats-server`, dir);
      return await adopt(options.cacheDir, join(dir, "nats-server"), signal);
    }),
  );
}

interface Fetching extends InstallOptions {
  readonly signal: AbortSignal;
  readonly limits: ReleaseLimits;
  readonly pinned: string | undefined;
}

/** @returns path of the archive, whose digest was checked. */
async function fetchArchive(base: URL, name: string, dir: string, fetching: Fetching): Promise<string> {
  const { limits, signal, onProgress } = fetching;
  onProgress({ kind: "step", text: `downloading nats-server ${TESTED_VERSION} from ${base.host}` });
  const expected = fetching.pinned ?? (await releasedDigest(base, name, fetching));
  const archive = join(dir, "release.tar.gz");
  const archiveLimits = { answerMs: limits.answerMs, maxBytes: limits.maxArchiveBytes };
  const url = new URL(name, base);
  const actual = await downloadFile(url, archive, archiveLimits, signal, (receivedBytes, totalBytes) =>
    onProgress({ kind: "download", receivedBytes, totalBytes }),
  );
  if (actual === expected) return archive;
  throw new MeshError("unavailable", `the checksum of ${url.href} is wrong: ${actual}, not ${expected}`);
}

/** The checksum beside the archive, used without a pinned digest. */
async function releasedDigest(
  base: URL,
  name: string,
  { limits, signal, onProgress }: Fetching,
): Promise<string> {
  onProgress({
    kind: "step",
    text: `no digest of ${name} is pinned; believing the checksums of ${base.host}`,
  });
  const sumsLimits = { answerMs: limits.answerMs, maxBytes: MAX_SUMS_BYTES };
  const sums = parseSha256Sums(await downloadText(new URL("SHA256SUMS", base), sumsLimits, signal));
  const digest = sums.get(name);
  if (digest === undefined) throw new MeshError("unavailable", `the release has no ${name}`);
  return digest;
}

/** Extracts only the entry `wanted`, as `nats-server` into `dir`. */
async function extractServer(archive: string, wanted: string, dir: string): Promise<void> {
  let isFound = false;
  try {
    await extract({
      file: archive,
      cwd: dir,
      strip: 1,
      strict: true,
      filter: (path, entry) => {
        const isWanted = path === wanted && "type" in entry && entry.type === "File";
        if (!isWanted || entry.size > MAX_BINARY_BYTES) return false;
        isFound = true;
        return true;
      },
    });
  } catch (thrown) {
    throw MeshError.from(thrown, "unavailable", "the release cannot be unpacked");
  }
  if (!isFound) throw new MeshError("unavailable", `the release contains no ${wanted}`);
}
