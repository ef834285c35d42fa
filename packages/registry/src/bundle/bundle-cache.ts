import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { parseBundle, type RegistryBundle } from "./bundle.ts";

/** Keeps the registry that a node was served last in a file, for when nobody is there to ask. */
export class BundleCache {
  readonly #file: string | undefined;
  readonly #log: Logger;

  /** @param file Nothing: nothing is kept. */
  constructor(file: string | undefined, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** What is kept, if anything that can still be read. Never rejects. */
  async read(): Promise<RegistryBundle | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      return await parseBundle(await readFile(this.#file), this.#file);
    } catch (err) {
      const isMissing = (err as NodeJS.ErrnoException).code === "ENOENT";
      if (!isMissing) this.#log.warn({ file: this.#file, reason: messageOf(err) }, "kept registry not read");
      return undefined;
    }
  }

  /** Never rejects. */
  async write({ bytes }: RegistryBundle): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await keepBundle(this.#file, bytes);
    } catch (err) {
      this.#log.warn({ file: this.#file, err }, "registry not kept");
    }
  }

  /** Keeps nothing. Never rejects. */
  async clear(): Promise<void> {
    if (this.#file !== undefined) await rm(this.#file, { force: true }).catch(() => undefined);
  }
}

/**
 * Writes a bundle to a file, synced, whole or not at all: several processes may share the file. Rejects as `node:fs`
 * does.
 */
export async function keepBundle(file: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${file}.${randomBytes(6).toString("hex")}.new`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(unfinished, "wx", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
  } catch (thrown) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw thrown;
  }
}
