import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@adaos/core";
import { assertSuffixes, FORMATS } from "@adaos/core/wire";
import { ageOf, isAbandoned } from "../disk/owner.ts";
import { SUFFIX } from "./mark-file.ts";
import { type Damage, isSound, isZero, RECORD_BYTES, repairRecord, scanMarks } from "./mark-record.ts";

/** Suffix of a file that was damaged; its sound marks are elsewhere. An operator who removes it accepts the loss. */
export const DAMAGED_SUFFIX = ".damaged";
/** Limit of all mark files of a node together. */
const MAX_FOLDER_BYTES = 100_663_296;
/** Resolution of a folder's time: a change within it may not show. */
const CLOCK_MS = 100;
const READ_BYTES = 16_384;

/** The lost marks of one file. */
export interface LostMarks extends Damage {
  readonly path: string;
}

/** Called with the place of a sound record. */
type OnMark = (content: Buffer, at: number) => void;

/** A file that its process may still write. */
interface LiveFile {
  readonly fd: number;
  position: number;
}

/** The needs of a reader of a node's marks. */
export interface OtherFilesOptions {
  readonly dir: string;
  readonly log: Logger;
  readonly onMark: OnMark;
  /** Whether the file belongs to this process. */
  readonly isOwn: (name: string) => boolean;
}

/** The marks of a node's other processes, past and present. It reads each file whole once, and then each added part. */
export class OtherFiles {
  readonly #options: OtherFilesOptions;
  readonly #live = new Map<string, LiveFile>();
  /** Ended files, read to their end. */
  readonly #read = new Set<string>();
  readonly #damaged = new Map<string, LostMarks>();
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #seenMs = 0;
  #lookedMs = 0;

  constructor(options: OtherFilesOptions) {
    this.#options = options;
  }

  /** The parts that could not be read. */
  get lost(): Iterable<LostMarks> {
    return this.#damaged.values();
  }

  /** Files that other processes may write. */
  get live(): number {
    return this.#live.size;
  }

  /** Reads all files. Rejects with the disk's error. */
  async open(): Promise<void> {
    const { dir } = this.#options;
    for (let isWhole = false; !isWhole; ) {
      isWhole = true;
      for (const name of await this.#names()) {
        // The file is gone: a process has taken over its marks and written them to another file first. So look at the
        // folder again.
        if (!(await this.#readEnded(join(dir, name), name))) isWhole = false;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.look();
  }

  /** Reads new marks since the last look. Returns whether the folder is there. Throws the disk's error. */
  look(): boolean {
    const { dir } = this.#options;
    this.#lookedMs = Date.now();
    const mtimeMs = statSync(dir, { throwIfNoEntry: false })?.mtimeMs;
    if (mtimeMs === undefined) return false;
    if (mtimeMs !== this.#seenMs) {
      this.#lookForFiles();
      // A file that is created in the same moment may not change the folder's time.
      this.#seenMs = this.#lookedMs - mtimeMs > CLOCK_MS ? mtimeMs : 0;
    }
    for (const file of this.#live.values()) this.#readOn(file);
    return true;
  }

  /**
   * Removes ended files whose marks are too old, or the oldest when there are too many. Merges small and damaged ones
   * in turn, so that short-lived processes do not leave ever more files. Never rejects.
   */
  async tidy(
    maxAgeMs: number,
    takeOver: (content: Buffer) => Promise<void>,
    smallBytes: number,
  ): Promise<void> {
    const { dir, log } = this.#options;
    try {
      const ended = await this.#ended();
      let bytes = ended.reduce((sum, { size }) => sum + size, 0);
      for (const { name, mtimeMs, size } of ended) {
        const path = join(dir, name);
        const live = this.#live.get(name);
        if (live !== undefined) this.#end(name, live);
        this.#read.add(name);
        const isTooMuch = bytes > MAX_FOLDER_BYTES;
        if (isTooMuch || Date.now() - mtimeMs > maxAgeMs) {
          if (isTooMuch) log.warn({ file: path, size }, "oldest marks forgotten: there are too many");
          await rm(path, { force: true });
          this.#damaged.delete(name);
          bytes -= size;
        } else if (name.endsWith(SUFFIX) && (size <= smallBytes || this.#damaged.has(name))) {
          await takeOver(await readFile(path));
          const lost = this.#damaged.get(name);
          if (lost === undefined) await rm(path, { force: true });
          else await this.#setAside(name, lost);
        }
      }
    } catch (err) {
      // Another process of the node may be doing the same.
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") log.warn({ dir, err }, "marks not tidied");
    }
  }

  close(): void {
    for (const { fd } of this.#live.values()) closeSync(fd);
    this.#live.clear();
  }

  async #setAside(name: string, lost: LostMarks): Promise<void> {
    const path = `${lost.path}${DAMAGED_SUFFIX}`;
    await rename(lost.path, path);
    this.#damaged.delete(name);
    this.#damaged.set(`${name}${DAMAGED_SUFFIX}`, { ...lost, path });
  }

  async #names(): Promise<string[]> {
    const { dir } = this.#options;
    const names = await readdir(dir);
    assertSuffixes(FORMATS.marks, names, SUFFIX, dir);
    return names.filter((name) => this.#isNew(name)).sort(byAge);
  }

  #isNew(name: string): boolean {
    if (!name.endsWith(SUFFIX) && !name.endsWith(DAMAGED_SUFFIX)) return false;
    const { isOwn } = this.#options;
    return !isOwn(name) && !this.#live.has(name) && !this.#read.has(name);
  }

  /** Whether the file was there. The file of a living process is read from its beginning. */
  async #readEnded(path: string, name: string): Promise<boolean> {
    try {
      const { mtimeMs } = await stat(path);
      if (isEnded(name, mtimeMs)) this.#scan(path, name, await readFile(path), mtimeMs);
      else this.#open(name);
      return true;
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
      return false;
    }
  }

  #scan(path: string, name: string, content: Buffer, mtimeMs: number): void {
    const { onMark, log } = this.#options;
    const damage = scanMarks(content, (at) => onMark(content, at));
    this.#read.add(name);
    if (damage.length === 0) return;
    const records = damage.reduce((sum, one) => sum + one.records, 0);
    const untilS = Math.max(...damage.map((one) => one.untilS ?? Math.ceil(mtimeMs / 1000)));
    this.#damaged.set(name, { path, records, untilS });
    log.error({ file: path, records, until: new Date(untilS * 1000).toISOString() }, "marks damaged");
  }

  #lookForFiles(): void {
    const { dir } = this.#options;
    const names = readdirSync(dir);
    for (const name of this.#damaged.keys()) if (!names.includes(name)) this.#damaged.delete(name);
    for (const name of names.filter((one) => this.#isNew(one)).sort(byAge)) this.#open(name);
    for (const [name, file] of this.#live) {
      // The file was renamed or taken over.
      if (!names.includes(name)) this.#end(name, file);
    }
    for (const name of this.#read) if (!names.includes(name)) this.#read.delete(name);
  }

  #open(name: string): void {
    const path = join(this.#options.dir, name);
    try {
      const { mtimeMs } = statSync(path);
      if (isEnded(name, mtimeMs)) return this.#scan(path, name, readFileSync(path), mtimeMs);
      const file = { fd: openSync(path, "r"), position: 0 };
      this.#live.set(name, file);
      this.#readOn(file);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
      // The file has vanished since the folder was read: its content is in a new file.
      this.#seenMs = 0;
    }
  }

  /** Reads the rest of a file that nobody writes any more. */
  #end(name: string, file: LiveFile): void {
    this.#readOn(file);
    closeSync(file.fd);
    this.#live.delete(name);
  }

  #readOn(file: LiveFile): void {
    const { onMark } = this.#options;
    for (;;) {
      const bytes = readSync(file.fd, this.#buffer, 0, READ_BYTES, file.position);
      let at = 0;
      for (; at + RECORD_BYTES <= bytes; at += RECORD_BYTES) {
        const isRead = isSound(this.#buffer, at) || this.#isPassable(at, bytes);
        if (!isRead) break;
        if (isSound(this.#buffer, at) && !isZero(this.#buffer, at + 16, 16)) onMark(this.#buffer, at);
      }
      file.position += at;
      if (at < READ_BYTES) return;
    }
  }

  /** A damaged record before a sound one was not just being written, so it can be skipped. */
  #isPassable(at: number, bytes: number): boolean {
    const next = at + RECORD_BYTES;
    if (next + RECORD_BYTES > bytes || !isSound(this.#buffer, next)) return false;
    if (!repairRecord(this.#buffer, at)) {
      this.#options.log.error({ dir: this.#options.dir }, "a mark of another process cannot be read");
    }
    return true;
  }

  async #ended(): Promise<{ name: string; mtimeMs: number; size: number }[]> {
    const { dir, isOwn } = this.#options;
    const names = (await readdir(dir)).filter((name) => !isOwn(name)).sort(byAge);
    const files = await Promise.all(
      names.map(async (name) => {
        const { mtimeMs, size } = await stat(join(dir, name));
        return { name, mtimeMs, size };
      }),
    );
    return files.filter(({ name, mtimeMs }) => isEnded(name, mtimeMs));
  }
}

/** Whether nobody writes this file any more. */
function isEnded(name: string, touchedMs: number): boolean {
  return name.endsWith(DAMAGED_SUFFIX) || (name.endsWith(SUFFIX) && isAbandoned(name, touchedMs));
}

/** Oldest first. */
function byAge(a: string, b: string): number {
  return ageOf(a) < ageOf(b) ? -1 : 1;
}
