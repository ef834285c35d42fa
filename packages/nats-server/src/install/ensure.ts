import { MeshError } from "@adaos/core";
import { resolveCacheDir } from "./cache.ts";
import { installDebian } from "./install-debian.ts";
import { installRelease } from "./install-release.ts";
import type { Installer } from "./installer.ts";
import { type LocatedFrom, locateNatsServer, type Skipped } from "./locate.ts";
import type { OnProgress } from "./progress.ts";
import { MINIMUM_VERSION } from "./version.ts";

export interface NatsServerBinary {
  /** Absolute. */
  readonly path: string;
  /** Such as `2.15.1`; never below the minimum. */
  readonly version: string;
  readonly from: LocatedFrom | Installer["from"];
}

export interface EnsureOptions {
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ways to install, in the order to try them. @default the official release, then Debian's package */
  readonly installers?: readonly Installer[] | undefined;
}

const INSTALLERS: readonly Installer[] = [
  { from: "release", title: "official release", install: installRelease },
  { from: "debian", title: "Debian package", install: installDebian },
];

/**
 * Finds a nats-server that is new enough: one of this machine, else one installed into the cache. Rejects with
 * MeshError `unavailable`, saying what was tried and what to do. Rejects with `invalid-config` when `ADAOS_NATS_SERVER`
 * or `ADAOS_NATS_RELEASE_URL` is wrong, or with the signal's reason.
 */
export async function ensureNatsServer(options: EnsureOptions = {}): Promise<NatsServerBinary> {
  const { signal } = options;
  const env = options.env ?? process.env;
  const onProgress = options.onProgress ?? (() => undefined);
  onProgress({ kind: "looking" });
  const { found, skipped } = await locateNatsServer({ env, signal });
  if (found !== undefined) return found;

  const cacheDir = resolveCacheDir(env);
  const failures: Failure[] = [];
  for (const { from, title, install } of options.installers ?? INSTALLERS) {
    try {
      const installed = await install({ cacheDir, env, onProgress, signal });
      onProgress({ kind: "installed", ...installed });
      return { ...installed, from };
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = MeshError.from(thrown, "internal", title);
      if (error.code !== "unavailable") throw error;
      onProgress({ kind: "failed", what: title, reason: error.message });
      failures.push({ title, error });
    }
  }
  throw noServerError(skipped, failures);
}

interface Failure {
  readonly title: string;
  readonly error: MeshError;
}

function noServerError(skipped: readonly Skipped[], failures: readonly Failure[]): MeshError {
  const lines = [
    `no nats-server ${MINIMUM_VERSION} or newer was found, and none could be installed:`,
    ...skipped.map(({ where, reason }) => `  ${where}: ${reason}`),
    ...failures.map(({ title, error }) => `  ${title}: ${error.message}`),
    `Install nats-server ${MINIMUM_VERSION} or newer (https://github.com/nats-io/nats-server/releases, or your`,
    "package manager), then put it on PATH or set ADAOS_NATS_SERVER to its path.",
  ];
  const cause = new AggregateError(failures.map(({ error }) => error));
  return new MeshError("unavailable", lines.join("\n"), { cause });
}
