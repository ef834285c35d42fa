import { type FSWatcher, watch } from "node:fs";

/** A folder is checked again after this, even without a notification: watches miss changes on network disks. */
const FULL_LOOK_MS = 5000;

/**
 * Knows whether a folder may have changed. It uses notifications of the system, since a check of all files twice a
 * second took 2 % of a core. Without notifications the answer is always yes.
 */
export class FolderWatch {
  readonly #dir: string;
  #watcher: FSWatcher | undefined;
  #mayHaveChanged = true;
  #lookedMs = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Notes a check that begins now; later changes count as new. */
  take(nowMs: number = performance.now()): boolean {
    const isDue =
      this.#mayHaveChanged || this.#watcher === undefined || nowMs - this.#lookedMs >= FULL_LOOK_MS;
    if (!isDue) return false;
    this.#lookedMs = nowMs;
    this.#mayHaveChanged = false;
    this.#watcher ??= this.#watch();
    return true;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#dir, { recursive: true, persistent: false }, () => {
        this.#mayHaveChanged = true;
      });
      // The folder is gone, or no watches are left: the next check tries again.
      watcher.on("error", () => this.close());
      return watcher;
    } catch {
      return undefined;
    }
  }
}
