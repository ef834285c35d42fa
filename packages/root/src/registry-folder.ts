import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, messageOf } from "@adaos/core";
import type { Part, PartHealth } from "@adaos/daemon";
import { bundleFolder, type RegistryBundle, shortHash } from "@adaos/registry";
import { delay } from "@adaos/transport-nats";

/** How often it is looked whether the folder has changed. */
const LOOK_MS = 500;
/** A look at many files takes a while: the pause after it is so many times as long, within limits. */
const PAUSE_FACTOR = 5;
const MAX_PAUSE_MS = 5000;
const WATCHED = /\.(json|ya?ml)$/;
/** Generated from the registry. */
const UNREAD = /^_dist\//;
/** Files looked at, at most; a registry holds fewer. */
const MAX_FILES = 50_000;

/**
 * Follows the registry's folder while the root runs. What can be read is taken; what cannot changes nothing: the last good
 * one stays, and the root says that its folder is broken.
 */
export class RegistryFolder implements Part {
  readonly name = "registry";
  readonly #dir: string;
  readonly #log: Logger;
  readonly #closed = new AbortController();
  #bundle: RegistryBundle | undefined;
  #seen: string | undefined;
  #tookMs = 0;
  #broken: string | undefined;
  #following: Promise<void> | undefined;

  constructor(dir: string, log: Logger) {
    this.#dir = dir;
    this.#log = log;
  }

  /** The last good one; nothing where there has been none. */
  get bundle(): RegistryBundle | undefined {
    return this.#bundle;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#following = this.#follow();
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await this.#following;
  }

  health(): PartHealth {
    const hash = this.#bundle?.registry.hash;
    const details = { hash: hash ?? null };
    if (this.#broken !== undefined) return { ready: false, reason: this.#broken, details };
    return { ready: true, note: `registry ${shortHash(hash ?? "none")}`, details };
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await delay(Math.min(Math.max(LOOK_MS, this.#tookMs * PAUSE_FACTOR), MAX_PAUSE_MS), signal);
      if (!signal.aborted) await this.#look();
    }
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    // Stamped before it is read: what changes meanwhile is read again.
    const startMs = performance.now();
    const stamp = await stampOf(this.#dir).catch((thrown: unknown) => `unreadable: ${messageOf(thrown)}`);
    this.#tookMs = performance.now() - startMs;
    if (stamp === this.#seen) return;
    this.#seen = stamp;
    try {
      const bundle = await bundleFolder(this.#dir);
      this.#broken = undefined;
      if (bundle.digest === this.#bundle?.digest) return;
      this.#bundle = bundle;
      this.#log.info({ dir: this.#dir, hash: bundle.registry.hash }, "registry loaded");
    } catch (err) {
      this.#broken = `${this.#dir} is broken, the last good version is offered: ${messageOf(err)}`;
      this.#log.error({ dir: this.#dir, err }, "registry broken; the last good version is offered");
    }
  }
}

/** Differs when a file of the folder was changed, added or removed. */
async function stampOf(dir: string): Promise<string> {
  const entries = await readdir(dir, { recursive: true });
  const files = entries.filter((path) => WATCHED.test(path) && !UNREAD.test(path)).sort();
  const stamps: string[] = [];
  for (const path of files.slice(0, MAX_FILES)) {
    const found = await stat(join(dir, path)).catch(() => undefined);
    if (found?.isFile() === true) stamps.push(`${path} ${found.mtimeMs} ${found.size} ${found.ino}`);
  }
  return stamps.join("\n");
}
