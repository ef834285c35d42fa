import { type FSWatcher, watch } from "node:fs";

/** A folder is looked at again after this, whatever the system says of it: watches miss what network disks change. */
const FULL_LOOK_MS = 5000;

/**
 * Knows whether a folder may have changed. Asks the system to tell, since a look at all files twice a second took
 * 2 % of a core. Where the system does not tell, the answer is always yes.
 */
export class FolderWatch {
  readonly #dir: string;
  #watcher: FSWatcher | undefined;
  #mayHaveChanged = true;
  #lookedMs = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Takes note of a look that begins now; what changes from here on is news again. */
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
      // The folder is gone, or there are no watches left: the next look tries again.
      watcher.on("error", () => this.close());
      return watcher;
    } catch {
      return undefined;
    }
  }
}
