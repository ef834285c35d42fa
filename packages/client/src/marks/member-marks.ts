import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Logger, type Marks, MeshError } from "@adaos/core";
import { counted } from "@adaos/core/wire";
import { ownName } from "../disk/owner.ts";
import { type MarkDisk, MarkFile, REAL_DISK, SUFFIX } from "./mark-file.ts";
import { MarkIds } from "./mark-ids.ts";
import { MarkIndex } from "./mark-index.ts";
import { type MarkId, readId, scanMarks, timeOf } from "./mark-record.ts";
import { OtherFiles } from "./other-files.ts";

/** Two million marks: 64 MiB of memory when all exist, and as much of disk. */
const MAX_MARKS = 2_097_152;
/** Deliveries of one moment share a look at the marks of other processes. */
const LOOK_VALID_MS = 1;
/** Smaller ended files are merged into the file of a living process. */
const SMALL_BYTES = 1_048_576;
const TIDY_MS = 60_000;
/** How far the hub's clock may differ from this machine's. */
const CLOCK_SLACK_MS = 60_000;
/** Marks that are taken over in one turn of the event loop. */
const TAKEN_AT_ONCE = 1024;

export interface MemberMarksOptions {
  /** The node's own folder. */
  readonly dir: string;
  /** Shortest time for which marks are kept. */
  readonly maxAgeMs: number;
  readonly log: Logger;
  /** @default 2097152; rounded up to whole tables */
  readonly maxMarks?: number;
  /** @default the real one */
  readonly disk?: MarkDisk;
}

/** The state of this process's marks. */
export interface MarksStatus {
  /** Marks known here, including those of other processes of the node. */
  readonly known: number;
  /** Marks made by this process, and their disk syncs. */
  readonly made: number;
  readonly syncs: number;
  /** Marks that cannot be read any more. */
  readonly lost: number;
}

/**
 * Marks on this machine's disk: a folder of the node, with a file for each process. All marks are known in memory.
 * Before each look it reads what other processes have added, so that none repeats an effect of another.
 */
export class MemberMarks implements Marks {
  readonly #options: Required<MemberMarksOptions>;
  readonly #index: MarkIndex;
  readonly #others: OtherFiles;
  /** The file that is being written, and earlier ones that are still being closed. */
  readonly #own = new Set<string>();
  #file: MarkFile | undefined;
  #opening: Promise<MarkFile> | undefined;
  #isRead = false;
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly #ids = new MarkIds();
  #made = 0;
  #syncs = 0;
  #tidier: NodeJS.Timeout | undefined;
  #tidying: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** Opens no file before the first mark is asked for. */
  constructor(options: MemberMarksOptions) {
    this.#options = { maxMarks: MAX_MARKS, disk: REAL_DISK, ...options };
    this.#index = new MarkIndex(this.#options.maxMarks);
    const read = new Uint32Array(4);
    this.#others = new OtherFiles({
      dir: options.dir,
      log: options.log,
      isOwn: (name) => this.#own.has(name),
      onMark: (content, at) => {
        readId(content, at, read);
        if (!this.#index.has(read)) this.#index.add(read, timeOf(content, at));
      },
    });
  }

  get status(): MarksStatus {
    const lost = [...this.#others.lost].reduce((sum, { records }) => sum + records, 0);
    const { count = 0, syncs = 0 } = this.#file ?? {};
    return { known: this.#index.size, made: this.#made + count, syncs: this.#syncs + syncs, lost };
  }

  has(durable: string, key: string, storedMs: number): boolean | Promise<boolean> {
    const file = this.#usable();
    if (file === undefined) return this.#ready().then(() => this.#has(durable, key, storedMs));
    return this.#has(durable, key, storedMs);
  }

  mark(durable: string, key: string, isAwaited: boolean): Promise<void> {
    const file = this.#usable();
    if (file !== undefined) return this.#append(file, durable, key, isAwaited);
    return this.#ready().then((opened) => this.#append(opened, durable, key, isAwaited));
  }

  /** Finishes the work under way, and leaves the marks to other processes. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#tidier);
    process.removeListener("exit", this.#flush);
    await this.#opening?.catch(() => undefined);
    await this.#tidying;
    await this.#leave(this.#file);
    this.#others.close();
  }

  /** A handler that ends its process among running ones must not cause them to be repeated. */
  readonly #flush = (): void => this.#file?.flush();

  #has(durable: string, key: string, storedMs: number): boolean {
    const trouble = this.#file?.trouble();
    if (trouble !== undefined) throw trouble;
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs > LOOK_VALID_MS) {
      this.#look();
      this.#lookedMs = nowMs;
    }
    if (this.#index.has(this.#ids.of(durable, key))) return true;
    for (const { path, untilS, records } of this.#others.lost) {
      if (storedMs > (untilS ?? Number.POSITIVE_INFINITY) * 1000 + CLOCK_SLACK_MS) continue;
      const message = `${path} has ${counted(records, "damaged mark")}, and this event may be among them`;
      throw new MeshError(
        "unavailable",
        `${message}; to have such events handled, perhaps again, remove the file`,
      );
    }
    return false;
  }

  #append(file: MarkFile, durable: string, key: string, isAwaited: boolean): Promise<void> {
    const nowS = Math.floor(Date.now() / 1000);
    const id = this.#ids.of(durable, key);
    const kept = file.append(id, nowS, isAwaited);
    // The mark is known from now on; only its promise shows whether it is on disk.
    this.#index.add(id, nowS);
    if (file.isFull && this.#opening === undefined) void this.#ready().catch(() => undefined);
    return kept;
  }

  #look(): void {
    const { dir, log } = this.#options;
    try {
      if (this.#others.look()) return;
      // Without its folder no event would ever be handled again. When the next sync finds the file of this process
      // gone, another one is begun. This process still knows the old content of the folder until it ends.
      log.error({ dir }, "the folder of marks was removed, and is made anew");
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      this.#others.look();
    } catch (cause) {
      throw MeshError.from(cause, "unavailable", `the marks in ${dir} cannot be read`);
    }
  }

  /** The file to write to now. A full one stays in use until the next is there. */
  #usable(): MarkFile | undefined {
    return this.#file?.isBroken === false ? this.#file : undefined;
  }

  /**
   * Reads the existing marks, once, and begins a file. Rejects with the reason if it cannot; the next call tries again.
   */
  #ready(): Promise<MarkFile> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<MarkFile> {
    const { dir, disk } = this.#options;
    if (this.#isClosed) throw new MeshError("closed", "the connection is closed");
    const before = this.#file;
    const name = ownName(SUFFIX);
    this.#own.add(name);
    let file: MarkFile;
    try {
      file = await MarkFile.create(join(dir, name), disk);
    } catch (thrown) {
      this.#own.delete(name);
      throw thrown;
    }
    try {
      if (!this.#isRead) await this.#others.open();
      this.#isRead = true;
    } catch (cause) {
      await file.close().catch(() => undefined);
      this.#own.delete(name);
      throw MeshError.from(cause, "unavailable", `the marks in ${dir} cannot be read`);
    }
    this.#file = file;
    if (before !== undefined) void this.#leave(before);
    if (this.#tidier === undefined) process.once("exit", this.#flush);
    this.#tidier ??= setInterval(() => this.#tidy(), TIDY_MS).unref();
    this.#tidy();
    return file;
  }

  async #leave(file: MarkFile | undefined): Promise<void> {
    if (file === undefined) return;
    try {
      await file.close();
    } catch (err) {
      this.#options.log.warn({ file: file.name, err }, "mark file not closed");
    }
    this.#own.delete(file.name);
    if (file === this.#file) return;
    this.#made += file.count;
    this.#syncs += file.syncs;
  }

  #tidy(): void {
    const { maxAgeMs } = this.#options;
    this.#index.forgetBefore(Math.floor((Date.now() - maxAgeMs) / 1000));
    this.#tidying = this.#tidying.then(async () => {
      await this.#file?.touch();
      await this.#others.tidy(maxAgeMs, (content) => this.#takeOver(content), SMALL_BYTES);
    });
  }

  /** Writes the marks of an ended file into this process's own. Rejects when that fails. */
  async #takeOver(content: Buffer): Promise<void> {
    const fromS = (Date.now() - this.#options.maxAgeMs) / 1000;
    const id: MarkId = new Uint32Array(4);
    let kept: Promise<void> | undefined;
    const places: number[] = [];
    scanMarks(content, (at) => places.push(at));
    for (const [i, at] of places.entries()) {
      if (timeOf(content, at) < fromS) continue;
      if (i % TAKEN_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      readId(content, at, id);
      kept = (this.#usable() ?? (await this.#ready())).append(id, timeOf(content, at), false);
    }
    await kept;
  }
}
