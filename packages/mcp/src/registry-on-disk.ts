import { type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { type FileRegistry, loadRegistry, REGISTRY_FILE } from "@adaos/registry";

/** A registry that is read again when its index or a schema has changed. */
export class RegistryOnDisk {
  readonly #dir: string;
  #loaded: { readonly registry: FileRegistry; readonly stamp: string | undefined } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The registry's current state on disk. Callers share a read. Rejects with `invalid-config`. */
  current(): Promise<FileRegistry> {
    const mine = this.#turn.then(() => this.#read());
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #read(): Promise<FileRegistry> {
    const known = this.#loaded;
    if (known?.stamp !== undefined && known.stamp === stampOf(known.registry, Number.POSITIVE_INFINITY))
      return known.registry;
    const beganMs = Date.now();
    this.#loaded = undefined;
    const registry = await loadRegistry(this.#dir);
    this.#loaded = { registry, stamp: stampOf(registry, beganMs) };
    return registry;
  }
}

/** Finest resolution of a file's change time on all systems. */
const CLOCK_MS = 100;

/**
 * Change times and sizes of index and schemas. Undefined where a file is missing, or was changed after `beforeMs`,
 * when an earlier read may have missed the change. It blocks on the disk: 10,000 files take 0.06 s so, and 1 s one
 * after the other without blocking.
 */
function stampOf(registry: FileRegistry, beforeMs: number): string | undefined {
  const paths = new Set([REGISTRY_FILE, ...registry.records.map(({ schema }) => schema)]);
  const stamps: string[] = [];
  for (const path of paths) {
    const stats = statsOf(join(registry.dir, path));
    if (stats === undefined || stats.ctimeMs > beforeMs - CLOCK_MS) return undefined;
    stamps.push(`${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`);
  }
  return stamps.join("\n");
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // The next reader reports the problem.
    return undefined;
  }
}
