import { readFile, rm } from "node:fs/promises";
import { provenRegistryBeside, writeWholeSynced } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import { type RegistryProof, readProof } from "../proof.ts";
import { parseBundle, type RegistryBundle } from "./bundle.ts";

/** Caches the last registry that a node was served in a file, for times without a server. */
export class BundleCache {
  readonly #file: string | undefined;
  readonly #log: Logger;

  /** @param file Undefined: nothing is cached. */
  constructor(file: string | undefined, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** The proof of the registry's texts with which the mesh was started. */
  get proof(): RegistryProof | undefined {
    return this.#file === undefined ? undefined : readProof(provenRegistryBeside(this.#file));
  }

  /** The cached registry, if it can be read. Never rejects. */
  async read(): Promise<RegistryBundle | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      return await parseBundle(await readFile(this.#file), this.#file, this.proof);
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
      await writeWholeSynced(this.#file, bytes);
    } catch (err) {
      this.#log.warn({ file: this.#file, err }, "registry not kept");
    }
  }

  /** Removes the cached registry. Never rejects. */
  async clear(): Promise<void> {
    if (this.#file !== undefined) await rm(this.#file, { force: true }).catch(() => undefined);
  }
}
