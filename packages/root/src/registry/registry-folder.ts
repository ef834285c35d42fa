import { stat } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type AutoApply, registryApprovalFile, registryInForceFile, writeWholeSynced } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { delay, type Figure, type KnownEvent, messageOf } from "@adaos/core/wire";
import { type Part, type PartHealth, type Progress, Rounds } from "@adaos/daemon";
import { MAX_BUNDLE_BYTES } from "@adaos/registry";
import type { FolderJudgement, FolderReading, ServedRegistry } from "@adaos/registry-tools";
import { decideRegistry, type RegistryOutcome, registryHealth } from "./decide-registry.ts";
import { FolderWatch } from "./folder-watch.ts";
import { type JudgeFolder, judgeApart, judgeProven } from "./registry-judge.ts";

/** Interval of checks for changes of the folder. */
const LOOK_MS = 1000;
/** A check of many files takes a while: the pause after it is this many times as long, within limits. */
const PAUSE_FACTOR = 5;
const MAX_PAUSE_MS = 5000;
/** Judging a large folder on a small machine takes minutes. */
const JUDGE_LIMIT_MS = 900_000;
const WATCHED = /\.(json|ya?ml)$/;
/** Files generated from the registry. */
const UNREAD = /^_dist\//;
/** Largest number of checked files; a registry has fewer. */
const MAX_FILES = 50_000;
const DIGEST_LENGTH = 64;
/** Simultaneous stats. Stats one by one took twice the processor time. */
const STATS_AT_ONCE = 64;
const statOf = promisify(stat);

export interface RegistryFolderOptions {
  readonly dir: string;
  /** The changes that come into force when they are saved. */
  readonly autoApply: AutoApply;
  /** Folder of the registry in force, for the next start and for other root daemons. Not given: it is not stored. */
  readonly stateDir: string | undefined;
  readonly log: Logger;
  /** @default in a separate thread */
  readonly judge?: JudgeFolder;
}

/**
 * Watches the registry's folder while the root runs, and puts compatible registries in force. An unreadable or
 * incompatible folder changes nothing: the last good registry stays in force, after a restart too, and the root reports
 * the reason.
 */
export class RegistryFolder implements Part {
  readonly name = "registry";
  readonly #options: RegistryFolderOptions;
  readonly #inForceFile: string | undefined;
  readonly #closed = new AbortController();
  readonly #watch: FolderWatch;
  #autoApply: AutoApply;
  #inForce: ServedRegistry | undefined;
  #found: FolderJudgement["found"] | undefined;
  /** The last readable registry of the folder. */
  #candidate: ServedRegistry | undefined;
  #outcome: RegistryOutcome | undefined;
  #classified: readonly KnownEvent[] = [];
  /** Stamps of the folder at its last judgement, and of the stored registry. */
  #seen: string | undefined;
  #seenKept: string | undefined;
  /** The last stamp; reused while nothing can have changed. */
  #stamped: string | undefined;
  #lookMs = 0;
  #onRead: () => void = () => undefined;
  #following: Promise<void> | undefined;
  readonly #rounds = new Rounds(JUDGE_LIMIT_MS);

  constructor(options: RegistryFolderOptions) {
    const { stateDir } = options;
    this.#options = options;
    this.#watch = new FolderWatch(options.dir);
    this.#autoApply = options.autoApply;
    this.#inForceFile = stateDir === undefined ? undefined : registryInForceFile(stateDir);
  }

  /** The registry in force; undefined before the first one. */
  get inForce(): ServedRegistry | undefined {
    return this.#inForce;
  }

  /** Whether the registry in force declares version 1 of an event; undefined while there is none. */
  declares(name: string): boolean | undefined {
    return this.#inForce?.registry.events.some((event) => event.name === name && event.version === 1);
  }

  /**
   * Events of the registry in force and of the folder: a classification in the folder applies at once, even while other
   * changes are refused or wait.
   */
  get classified(): readonly KnownEvent[] {
    return this.#classified;
  }

  set autoApply(value: AutoApply) {
    this.#autoApply = value;
  }

  /**
   * Resolves when the registry in force and the classification are known; the judgement of the folder may come later.
   */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onRead = resolve;
      this.#following = this.#follow();
    });
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await this.#following;
    this.#watch.close();
  }

  health(): PartHealth {
    return registryHealth(this.#options.dir, this.#inForce, this.#outcome);
  }

  figures(): readonly Figure[] {
    const hash = this.#inForce?.registry.hash;
    return hash === undefined ? [] : [{ metric: "registryInfo", labels: [hash], value: 1 }];
  }

  progress(): Progress {
    return this.#rounds.progress;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      this.#rounds.done();
      await this.#look();
      this.#onRead();
      await delay(Math.min(Math.max(LOOK_MS, this.#lookMs * PAUSE_FACTOR), MAX_PAUSE_MS), signal);
    }
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    try {
      const startMs = performance.now();
      const stamp = this.#watch.take() || this.#stamped === undefined ? await this.#stamp() : this.#stamped;
      this.#stamped = stamp;
      const kept = await stampOfFile(this.#inForceFile);
      this.#lookMs = performance.now() - startMs;
      if (stamp !== this.#seen || kept !== this.#seenKept) {
        await this.#judge();
        // A folder that changed meanwhile was judged in part: it is judged again before any decision.
        this.#stamped = await this.#stamp();
        if (this.#stamped !== stamp) return;
        this.#seen = stamp;
        this.#seenKept = kept;
      }
      await this.#decide();
    } catch (thrown) {
      if (this.#closed.signal.aborted) return;
      this.#lookMs = MAX_PAUSE_MS;
      this.#note({ kind: "broken", reason: messageOf(thrown) });
    }
  }

  #stamp(): Promise<string> {
    return stampOf(this.#options.dir).catch((thrown: unknown) => `unreadable: ${messageOf(thrown)}`);
  }

  async #judge(): Promise<void> {
    const { dir, log, judge = judgeApart, stateDir } = this.#options;
    const bytes = await this.#kept();
    const unchanged = await judgeProven(dir, bytes, stateDir);
    if (unchanged !== undefined) {
      this.#take(unchanged);
      this.#found = unchanged.found;
      return;
    }
    const { inForce, found } = await judge(dir, bytes, (reading) => this.#take(reading), this.#closed.signal);
    if (inForce === undefined && bytes !== undefined)
      log.warn({ file: this.#inForceFile }, "kept registry not read");
    this.#take({ inForce, found });
    this.#found = found;
  }

  #take({ inForce, found }: FolderReading): void {
    if (inForce !== undefined) this.#inForce = inForce;
    if (found.kind === "read") this.#candidate = found.candidate;
    this.#classify();
    this.#onRead();
  }

  /** The document of the registry in force. Another root daemon may have stored a newer one. */
  async #kept(): Promise<Uint8Array | undefined> {
    const file = this.#inForceFile;
    const size = file === undefined ? undefined : (await statOf(file).catch(() => undefined))?.size;
    if (file === undefined || size === undefined || size > MAX_BUNDLE_BYTES) return this.#inForce?.bytes;
    return await readFile(file);
  }

  async #decide(): Promise<void> {
    if (this.#found === undefined) return;
    const outcome = decideRegistry({
      found: this.#found,
      inForce: this.#inForce,
      autoApply: this.#autoApply,
      approved: await this.#approved(),
    });
    if (outcome.kind === "apply") await this.#apply(outcome.candidate);
    this.#note(outcome.kind === "apply" ? { kind: "in-force" } : outcome);
  }

  async #approved(): Promise<string | undefined> {
    const { stateDir } = this.#options;
    if (stateDir === undefined || this.#autoApply === "compatible") return undefined;
    const text = await readFile(registryApprovalFile(stateDir), "utf8").catch(() => "");
    return text.slice(0, DIGEST_LENGTH);
  }

  /** Rejects when it cannot be stored: a registry that a restart would lose is not offered. */
  async #apply(candidate: ServedRegistry): Promise<void> {
    if (this.#inForceFile !== undefined) {
      await writeWholeSynced(this.#inForceFile, candidate.bytes);
      this.#seenKept = await stampOfFile(this.#inForceFile);
    }
    const before = this.#inForce?.registry.hash;
    this.#inForce = candidate;
    this.#classify();
    const { dir, log } = this.#options;
    log.info({ dir, before, hash: candidate.registry.hash }, "registry in force");
  }

  #classify(): void {
    const [inForce, candidate] = [this.#inForce, this.#candidate];
    const saved = candidate?.digest === inForce?.digest ? [] : (candidate?.registry.events ?? []);
    this.#classified = [...(inForce?.registry.events ?? []), ...saved];
  }

  #note(outcome: RegistryOutcome): void {
    const before = JSON.stringify(this.health());
    this.#outcome = outcome;
    const { note, reason } = this.health();
    if (outcome.kind === "in-force" || before === JSON.stringify(this.health())) return;
    const { dir, log } = this.#options;
    if (outcome.kind === "waiting") log.info({ dir, note }, "registry waits to be applied");
    else
      log.error(
        { dir, reason: reason ?? note },
        `registry ${outcome.kind}; the last good version is offered`,
      );
  }
}

/** A stamp that differs when a file of the folder was changed, added or removed. */
async function stampOf(dir: string): Promise<string> {
  const entries = await readdir(dir, { recursive: true });
  const files = entries.filter((path) => WATCHED.test(path) && !UNREAD.test(path)).sort();
  const stamps: string[] = [];
  for (let at = 0; at < Math.min(files.length, MAX_FILES); at += STATS_AT_ONCE) {
    const some = files.slice(at, at + STATS_AT_ONCE);
    stamps.push(
      ...(await Promise.all(some.map(async (path) => `${path} ${await stampOfFile(join(dir, path))}`))),
    );
  }
  return stamps.join("\n");
}

async function stampOfFile(path: string | undefined): Promise<string> {
  const found = path === undefined ? undefined : await statOf(path).catch(() => undefined);
  return found?.isFile() === true ? `${found.mtimeMs} ${found.size} ${found.ino}` : "gone";
}
