import { type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import {
  type ConfigError,
  keepLastGood,
  type LoadedNode,
  type NodeFile,
  type NodeRole,
  nodeFileDigest,
  nodeFileError,
  readNodeFile,
} from "@adaos/config";
import type { Logger } from "@adaos/core";
import { type Figure, messageOf } from "@adaos/core/wire";
import type { Part, PartHealth } from "./part.ts";
import { type Progress, Rounds } from "./progress.ts";

/** Interval of checks for a changed file, when the system sends no events. */
const LOOK_MS = 200;
/** With events the checks are this much rarer: events miss changes on network disks. */
const REST_FACTOR = 5;

type Version<R extends NodeRole> = LoadedNode<Extract<NodeFile, { role: R }>>;

export interface NodeFileWatchOptions<R extends NodeRole> {
  readonly role: R;
  /** The version with which the node started. */
  readonly loaded: Version<R>;
  /** Whether that version is in force by itself, or has to be applied first. */
  readonly isInForce: boolean;
  /** Puts a version in force. Rejects when it cannot now; it is called again until it can. */
  readonly apply: (config: Version<R>["config"]) => void | Promise<void>;
  readonly log: Logger;
  /** Keeps a copy of the version in force, from which the node starts while its file is broken. @default false */
  readonly keepsCopy?: boolean;
  /** @default 200 */
  readonly lookMs?: number;
}

/**
 * Follows a node file while the node runs. A new version that can be read is applied. A broken one changes nothing: the
 * last good version stays in force, and the node reports that its file is broken.
 */
export class NodeFileWatch<R extends NodeRole> implements Part {
  readonly name = "config";
  readonly #options: NodeFileWatchOptions<R>;
  #timer: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  /** The file stamp of the version that was read last. */
  #seen: string | undefined;
  #lastGood: Version<R>;
  /** False after a version was begun and not finished: it is then in force only in parts. */
  #isInForce: boolean;
  #wanted: Version<R> | undefined;
  #broken: ConfigError | undefined;
  #unapplied: string | undefined;
  #applying: Promise<void> | undefined;
  readonly #rounds = new Rounds();
  #isStopped = false;

  constructor(options: NodeFileWatchOptions<R>) {
    this.#options = options;
    this.#lastGood = options.loaded;
    this.#isInForce = options.isInForce;
  }

  async start(): Promise<void> {
    // The file may have changed since the node read it, long ago if it had to wait for its server.
    this.#follow();
    if (this.#isInForce) this.#keepCopy();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    await this.#applying;
  }

  health(): PartHealth {
    const broken = this.#broken;
    const reason = broken === undefined ? this.#unapplied : toldOf(broken);
    const details = {
      ...(this.#isInForce ? { digest: this.#lastGood.digest } : {}),
      ...(broken === undefined ? {} : { errors: [broken] }),
    };
    if (reason !== undefined) return { ready: false, reason, details };
    return this.#isInForce
      ? { ready: true, details }
      : { ready: false, reason: "its file is being applied", details };
  }

  figures(): readonly Figure[] {
    return this.#isInForce ? [{ metric: "policyInfo", labels: [this.#lastGood.digest], value: 1 }] : [];
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  /** Looks now, and then again: soon while a version waits, or when the system sends no events. */
  readonly #follow = (): void => {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#watcher ??= this.#watch();
    this.#look();
    const { lookMs = LOOK_MS } = this.#options;
    const isAtRest = this.#watcher !== undefined && this.#wanted === undefined;
    this.#timer = setTimeout(this.#follow, isAtRest ? lookMs * REST_FACTOR : lookMs);
    this.#timer.unref();
  };

  /** Watches the folder, because a file that is replaced as a whole is another file. */
  #watch(): FSWatcher | undefined {
    const { file } = this.#options.loaded;
    try {
      const watcher = watch(dirname(file), { persistent: false }, (_, name) => {
        if (name === null || name === basename(file)) this.#follow();
      });
      // The folder is gone, or the system has no watches left: the next look tries again.
      watcher.on("error", () => {
        watcher.close();
        this.#watcher = undefined;
      });
      return watcher;
    } catch {
      return undefined;
    }
  }

  #look(): void {
    if (this.#applying !== undefined) return;
    const stamp = stampOf(this.#options.loaded.file);
    if (stamp !== this.#seen) {
      this.#seen = stamp;
      this.#read();
    }
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    this.#rounds.done();
    this.#applying = this.#apply(wanted).finally(() => {
      this.#rounds.rest();
      this.#applying = undefined;
    });
  }

  #read(): void {
    const { loaded, role, log } = this.#options;
    const { file } = loaded;
    this.#unapplied = undefined;
    try {
      // There may be ten thousand rules: do not parse a known version again.
      const isKnown = nodeFileDigest(readFileSync(file, "utf8")) === this.#lastGood.digest;
      const version = isKnown ? this.#lastGood : readNodeFile(file, role);
      this.#broken = undefined;
      this.#wanted = this.#isInForce && isKnown ? undefined : version;
    } catch (err) {
      this.#broken = nodeFileError(file, err);
      log.error({ file, err }, "node file broken; the last good version is in force");
      this.#wanted = this.#isInForce ? undefined : this.#lastGood;
    }
  }

  async #apply(version: Version<R>): Promise<void> {
    const { apply, log } = this.#options;
    const { file, digest, config } = version;
    this.#isInForce = false;
    try {
      await apply(config);
      this.#isInForce = true;
      this.#lastGood = version;
      this.#wanted = undefined;
      this.#unapplied = undefined;
      log.info({ file, digest }, "node file applied");
      this.#keepCopy();
    } catch (err) {
      const unapplied = `${file} is not in force yet: ${messageOf(err)}`;
      if (unapplied !== this.#unapplied) log.warn({ file, err }, "node file not applied yet");
      this.#unapplied = unapplied;
    }
  }

  #keepCopy(): void {
    if (this.#options.keepsCopy !== true) return;
    try {
      keepLastGood(this.#lastGood);
    } catch (err) {
      // A full disk must not end the node: the earlier copy was good, too.
      this.#options.log.warn({ file: this.#lastGood.file, err }, "node file not copied");
    }
  }
}

function toldOf({ file, place, message }: ConfigError): string {
  return `${file} is broken, the last good version is in force: ${place === undefined ? "" : `${place} `}${message}`;
}

/** The file system's data of a version; it differs for another version of the file. */
export function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return "gone";
  }
}
