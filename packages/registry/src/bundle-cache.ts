import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type Logger, messageOf } from "@adaos/core";
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

  /** Whole or not at all: processes of one node share the file. Never rejects. */
  async write({ bytes }: RegistryBundle): Promise<void> {
    if (this.#file === undefined) return;
    const unfinished = `${this.#file}.${randomBytes(6).toString("hex")}.new`;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      const handle = await open(unfinished, "wx", 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, this.#file);
    } catch (err) {
      this.#log.warn({ file: this.#file, err }, "registry not kept");
      await rm(unfinished, { force: true }).catch(() => undefined);
    }
  }

  /** Keeps nothing. Never rejects. */
  async clear(): Promise<void> {
    if (this.#file !== undefined) await rm(this.#file, { force: true }).catch(() => undefined);
  }
}
