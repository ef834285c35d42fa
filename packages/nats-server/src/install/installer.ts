import type { OnProgress } from "./progress.ts";

export interface InstallOptions {
  /** As `resolveCacheDir()` returns it. */
  readonly cacheDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

export interface InstalledServer {
  /** Absolute, in the cache. */
  readonly path: string;
  readonly version: string;
}

/** One way to get nats-server into the cache. */
export interface Installer {
  readonly from: "release" | "debian";
  /** For messages, such as `official release`. */
  readonly title: string;
  /**
   * Rejects with MeshError `unavailable` when this way does not work here (another is tried), `invalid-config`
   * when a setting is wrong (nothing else is tried), or with the signal's reason. Leaves nothing half-done.
   */
  install(options: InstallOptions): Promise<InstalledServer>;
}
