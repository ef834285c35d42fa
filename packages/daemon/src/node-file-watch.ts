import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { type NodeFile, type NodeRole, readNodeFile } from "@adaos/config";
import { type Logger, messageOf } from "@adaos/core";
import type { Part, PartHealth } from "./part.ts";

/** How often it is looked whether the file is another one, when nobody says otherwise. */
const LOOK_MS = 200;

export interface NodeFileWatchOptions<R extends NodeRole> {
  readonly file: string;
  readonly role: R;
  /** Makes what has changed hold. Rejects when it cannot now; it is called again until it can. */
  readonly apply: (config: Extract<NodeFile, { role: R }>) => void | Promise<void>;
  readonly log: Logger;
  /** @default 200 */
  readonly lookMs?: number;
}

/**
 * Follows a node file while the node runs. A new version that can be read is applied; one that cannot changes nothing: the
 * last good one stays in force, and the node says that its file is broken.
 */
export class NodeFileWatch<R extends NodeRole> implements Part {
  readonly name = "config";
  readonly #options: NodeFileWatchOptions<R>;
  #timer: NodeJS.Timeout | undefined;
  /** What the file system said of the version looked at last. */
  #seen: string;
  #digest: string;
  #trouble: string | undefined;
  #pending: { readonly config: Extract<NodeFile, { role: R }>; readonly digest: string } | undefined;
  #applying: Promise<void> | undefined;

  /** The version that is there now is the one in force. */
  constructor(options: NodeFileWatchOptions<R>) {
    this.#options = options;
    this.#seen = stampOf(options.file);
    this.#digest = nodeFileDigest(readFileSync(options.file));
  }

  async start(): Promise<void> {
    this.#timer ??= setInterval(() => this.#look(), this.#options.lookMs ?? LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#applying;
  }

  health(): PartHealth {
    const details = { digest: this.#digest };
    return this.#trouble === undefined
      ? { ready: true, details }
      : { ready: false, reason: this.#trouble, details };
  }

  #look(): void {
    if (this.#applying !== undefined) return;
    const { file } = this.#options;
    const stamp = stampOf(file);
    if (stamp !== this.#seen) {
      this.#seen = stamp;
      this.#read();
    }
    if (this.#pending === undefined) return;
    this.#applying = this.#apply(this.#pending.config, this.#pending.digest).finally(() => {
      this.#applying = undefined;
    });
  }

  #read(): void {
    const { file, role, log } = this.#options;
    this.#pending = undefined;
    try {
      const digest = nodeFileDigest(readFileSync(file));
      const { config } = readNodeFile(file, role);
      if (digest === this.#digest) this.#trouble = undefined;
      else this.#pending = { config, digest };
    } catch (err) {
      this.#trouble = `${file} is broken, the last good version is in force: ${messageOf(err)}`;
      log.error({ file, err }, "node file broken; the last good version is in force");
    }
  }

  async #apply(config: Extract<NodeFile, { role: R }>, digest: string): Promise<void> {
    const { file, apply, log } = this.#options;
    try {
      await apply(config);
      this.#digest = digest;
      this.#trouble = undefined;
      this.#pending = undefined;
      log.info({ file, digest }, "node file applied");
    } catch (err) {
      const trouble = `${file} is not in force yet: ${messageOf(err)}`;
      if (trouble !== this.#trouble) log.warn({ file, err }, "node file not applied yet");
      this.#trouble = trouble;
    }
  }
}

/** Names a version of a node file: sha-256 in hex. */
export function nodeFileDigest(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "gone";
  }
}
