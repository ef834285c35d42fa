import { fdatasync, statSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { diskError, syncFolder } from "../disk/disk-file.ts";
import { ageOf, leftName } from "../disk/owner.ts";
import { type MarkId, RECORD_BYTES, writeRecord } from "./mark-record.ts";

/** Suffix of these files. */
export const SUFFIX = ".marks";
/** Room is reserved before it is needed, so that effects on a full disk can still be marked. */
const RESERVE_BYTES = 131_072;
const LOW_BYTES = RESERVE_BYTES / 2;
/** At this size another file is begun, so that this one can be removed when its marks are too old. */
const FULL_BYTES = 131_072 * RECORD_BYTES;
/**
 * If only acknowledgements wait for marks, syncs are at least this far apart. A sync costs about 150 µs of processor
 * time, as much as handling several events.
 */
const SYNC_PACE_MS = 5;
/** A disk that hangs must not block events for ever. */
const SYNC_LIMIT_MS = 20_000;
const RETRY_ROOM_MS = 1000;
/** Marks of one turn of the event loop that are written together. */
const MAX_GATHERED = 64;

const NO_ID: MarkId = new Uint32Array(4);

/** The disk operations of a mark file. */
export interface MarkDisk {
  /** Writes the whole content at once, so that other processes see it. */
  write(fd: number, content: Buffer, position: number): void;
  sync(fd: number): Promise<void>;
}

const syncData = promisify(fdatasync);

export const REAL_DISK: MarkDisk = {
  write: (fd, content, position) => {
    for (let done = 0; done < content.length; )
      done += writeSync(fd, content, done, content.length - done, position + done);
  },
  sync: (fd) => syncData(fd),
};

/** Marks that share a sync. */
interface Group {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: MeshError): void;
}

/**
 * The marks of one process, in the order in which it makes them. A mark is written in the turn in which it is made, so
 * that the end of the process does not lose it. Its promise resolves when it is on disk; marks written meanwhile share
 * the next sync. After a failed write or sync the file takes no more marks: nobody knows which of them are on disk.
 */
export class MarkFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #disk: MarkDisk;
  /** Inode of the file: shows whether the file under our name is still this one. */
  readonly #inode: number;
  /** Marks of this turn, written at its end. */
  readonly #gathered = Buffer.alloc(MAX_GATHERED * RECORD_BYTES);
  #gatheredBytes = 0;
  /** End of the written part. */
  #end = 0;
  #reserved = 0;
  #synced = 0;
  #group: Group | undefined;
  #isSyncing = false;
  #isScheduled = false;
  #isHurried = false;
  #pacer: NodeJS.Timeout | undefined;
  #lastSyncMs = 0;
  #syncs = 0;
  #broken: MeshError | undefined;
  #noRoom: MeshError | undefined;
  #askedRoomMs = 0;
  #onIdle: (() => void) | undefined;

  private constructor(path: string, handle: FileHandle, inode: number, disk: MarkDisk) {
    this.#path = path;
    this.#handle = handle;
    this.#inode = inode;
    this.#disk = disk;
  }

  /** Creates a new file, and its folder. Rejects with `backpressure` when the disk is full, else with `unavailable`. */
  static async create(path: string, disk: MarkDisk = REAL_DISK): Promise<MarkFile> {
    let handle: FileHandle | undefined;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      handle = await open(path, "wx+", 0o600);
      const { ino } = await handle.stat();
      const file = new MarkFile(path, handle, ino, disk);
      file.#reserve();
      await disk.sync(handle.fd);
      await syncFolder(dirname(path));
      return file;
    } catch (cause) {
      if (handle !== undefined) await discard(handle, path);
      throw diskError(cause, `the marks ${path} cannot be written`);
    }
  }

  get name(): string {
    return basename(this.#path);
  }

  /** Marks so far. */
  get count(): number {
    return (this.#end + this.#gatheredBytes) / RECORD_BYTES;
  }

  /** Disk syncs so far. */
  get syncs(): number {
    return this.#syncs;
  }

  get isFull(): boolean {
    return this.#end >= FULL_BYTES;
  }

  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Why effects that need a mark here must not happen now; undefined when they may. */
  trouble(): MeshError | undefined {
    if (this.#broken !== undefined) return this.#broken;
    if (this.#noRoom !== undefined && performance.now() - this.#askedRoomMs >= RETRY_ROOM_MS)
      this.#keepRoom();
    return this.#noRoom;
  }

  /**
   * Resolves once the mark is on disk; marks of one moment share a promise. Rejects as {@link create} does, with
   * `timeout` when the disk does not answer: then the mark may be on disk or not.
   * @param isAwaited Syncs without the pause that collects later marks.
   */
  append(id: MarkId, atS: number, isAwaited: boolean): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#gatheredBytes === 0) queueMicrotask(this.flush);
    writeRecord(this.#gathered, this.#gatheredBytes, id, atS, this.#synced / RECORD_BYTES);
    this.#gatheredBytes += RECORD_BYTES;
    this.#isHurried ||= isAwaited;
    this.#group ??= newGroup();
    const { promise } = this.#group;
    if (this.#gatheredBytes === this.#gathered.length) this.flush();
    return promise;
  }

  /** Writes the marks of this turn so far. Never throws. */
  readonly flush = (): void => {
    const bytes = this.#gatheredBytes;
    if (bytes === 0 || this.#broken !== undefined) return;
    this.#gatheredBytes = 0;
    try {
      this.#disk.write(this.#handle.fd, this.#gathered.subarray(0, bytes), this.#end);
    } catch (cause) {
      this.#break(diskError(cause, `the marks ${this.#path} cannot be written`));
      return;
    }
    this.#end += bytes;
    if (this.#reserved - this.#end < LOW_BYTES && this.#noRoom === undefined) this.#keepRoom();
    this.#schedule();
  };

  /** Shows other processes that the owner is alive. Never rejects. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#handle.utimes(now, now).catch(() => undefined);
  }

  /** Finishes the work under way and leaves the file to other processes, or removes it when it is empty. */
  async close(): Promise<void> {
    this.flush();
    if (this.#isSyncing || this.#isScheduled) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    const { fd } = this.#handle;
    try {
      if (this.#broken === undefined && this.#end > 0) {
        writeRecord(this.#gathered, 0, NO_ID, 0, this.#synced / RECORD_BYTES);
        this.#disk.write(fd, this.#gathered.subarray(0, RECORD_BYTES), this.#end);
        await this.#handle.truncate(this.#end + RECORD_BYTES);
        await this.#disk.sync(fd);
      }
      await this.#handle.close();
      if (!this.#isOurs()) return;
      if (this.#end === 0) await rm(this.#path, { force: true });
      else await rename(this.#path, join(dirname(this.#path), leftName(SUFFIX, ageOf(this.name))));
    } catch (cause) {
      throw diskError(cause, `the marks ${this.#path} cannot be left`);
    }
  }

  #schedule(): void {
    if (this.#isSyncing || (this.#isScheduled && !(this.#isHurried && this.#pacer !== undefined))) return;
    this.#isScheduled = true;
    clearTimeout(this.#pacer);
    this.#pacer = undefined;
    const waitMs = this.#isHurried ? 0 : this.#lastSyncMs + SYNC_PACE_MS - performance.now();
    // Not at once, so that all marks of this turn share the sync.
    if (waitMs <= 0) setImmediate(() => void this.#sync());
    else this.#pacer = setTimeout(() => void this.#sync(), waitMs);
  }

  async #sync(): Promise<void> {
    this.flush();
    const group = this.#group;
    const end = this.#end;
    this.#group = undefined;
    this.#pacer = undefined;
    this.#isScheduled = false;
    this.#isHurried = false;
    this.#isSyncing = true;
    this.#lastSyncMs = performance.now();
    try {
      await within(this.#disk.sync(this.#handle.fd), this.#path);
      this.#syncs++;
      if (!this.#isOurs()) throw new MeshError("unavailable", `the marks ${this.#path} were removed`);
      this.#synced = end;
      group?.resolve();
    } catch (cause) {
      const error = this.#break(diskError(cause, `the marks ${this.#path} cannot be written`));
      group?.reject(error);
    }
    this.#isSyncing = false;
    if (this.#group !== undefined) this.#schedule();
    else this.#onIdle?.();
  }

  /** After a failure nobody knows which of the unsynced marks are on disk: make each again in another file. */
  #break(error: MeshError): MeshError {
    this.#broken ??= error;
    this.#group?.reject(this.#broken);
    this.#group = undefined;
    return this.#broken;
  }

  #keepRoom(): void {
    this.#askedRoomMs = performance.now();
    try {
      this.#reserve();
      this.#noRoom = undefined;
    } catch (cause) {
      this.#noRoom = diskError(cause, `there is no room for more marks in ${this.#path}`);
    }
  }

  /** Writes zeros behind the marks: a sync of marks that overwrite them need not update the file's length. */
  #reserve(): void {
    this.#disk.write(this.#handle.fd, Buffer.alloc(RESERVE_BYTES), this.#reserved);
    this.#reserved += RESERVE_BYTES;
  }

  #isOurs(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode;
  }
}

function newGroup(): Group {
  let settle: Omit<Group, "promise"> = { resolve: () => undefined, reject: () => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Every caller gets the rejection. If none waits any more, it must not count as unhandled.
  promise.catch(() => undefined);
  return { promise, ...settle };
}

/** Rejects with `timeout` when a sync takes too long. */
function within(synced: Promise<void>, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const message = `the disk did not sync the marks ${path} in ${SYNC_LIMIT_MS} ms`;
    const timer = setTimeout(() => reject(new MeshError("timeout", message)), SYNC_LIMIT_MS);
    synced.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

async function discard(handle: FileHandle, path: string): Promise<void> {
  await handle.close().catch(() => undefined);
  await rm(path, { force: true }).catch(() => undefined);
}
