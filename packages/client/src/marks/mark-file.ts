import { fdatasync, statSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { MeshError } from "@adaos/core";
import { diskError, syncFolder } from "../disk/disk-file.ts";
import { ageOf, leftName } from "../disk/owner.ts";
import { type MarkId, RECORD_BYTES, writeRecord } from "./mark-record.ts";

/** Ends the names of these files. */
export const SUFFIX = ".marks";
/** Room is kept before it is needed: what happens while the disk is full can still be marked. */
const RESERVE_BYTES = 131_072;
const LOW_BYTES = RESERVE_BYTES / 2;
/** Then another file is begun, so that this one can go when its marks are too old. */
const FULL_BYTES = 131_072 * RECORD_BYTES;
/**
 * Where nothing waits for a mark but its acknowledgement, a sync is made no more often: one costs about 150 µs of
 * processor time, as much as handling several events.
 */
const SYNC_PACE_MS = 5;
/** A disk that hangs must not hold events for ever. */
const SYNC_LIMIT_MS = 20_000;
const RETRY_ROOM_MS = 1000;
/** Marks of one turn that are written together. */
const MAX_GATHERED = 64;

const NO_ID: MarkId = new Uint32Array(4);

/** What a mark file does to the disk. */
export interface MarkDisk {
  /** Writes all of it, for other processes to see, at once. */
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
 * The marks that one process makes, in the order in which it makes them. A mark is written within the turn in which it
 * is made, so that the end of the process does not lose it, and is told as kept when it is on disk; whatever was
 * written meanwhile shares the next sync. A file of which a write or sync has failed takes no more: what of it is on
 * disk nobody knows.
 */
export class MarkFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #disk: MarkDisk;
  /** Number of the file on its device: whether the file under our name is still this one. */
  readonly #inode: number;
  /** Marks of this turn, which are written at its end. */
  readonly #gathered = Buffer.alloc(MAX_GATHERED * RECORD_BYTES);
  #gatheredBytes = 0;
  /** Where what is written ends. */
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

  /** Makes a new file, its folder too. Rejects with `backpressure` when the disk is full, else with `unavailable`. */
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

  /** Why no more effects may happen that would have to be marked here; nothing when they may. */
  trouble(): MeshError | undefined {
    if (this.#broken !== undefined) return this.#broken;
    if (this.#noRoom !== undefined && performance.now() - this.#askedRoomMs >= RETRY_ROOM_MS)
      this.#keepRoom();
    return this.#noRoom;
  }

  /**
   * Resolves once the mark is on disk; marks of one moment share a promise. Rejects as {@link create} does, with
   * `timeout` when the disk does not answer: then the mark may be there or not.
   * @param isAwaited Shares a sync only with what is there when that begins.
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

  /** Writes what this turn has marked so far. Never throws. */
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

  /** Tells other processes that its owner lives. Never rejects. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#handle.utimes(now, now).catch(() => undefined);
  }

  /** Ends with what is under way and leaves the file to other processes, or removes it when it is empty. */
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
    // Not at once: whatever ends in the same turn shares the sync.
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

  /** After a failure nobody knows which of the unsynced marks are there: each is to be made again, in another file. */
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

  /** Zeros behind the marks; a sync of what overwrites them need not write how long the file is. */
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
  // Each who waits is told; where nobody waits any more it is no unhandled rejection.
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
