import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MeshError, type Message } from "@adaos/core";
import { diskError, readFully, syncFolder, writeFully } from "../disk/disk-file.ts";
import { headRecord, messageOfRecord, scanRecords } from "./record.ts";

/** Forwarded messages stay in the file until there is this much of them, and more than the waiting ones. */
const COMPACT_BYTES = 1024 * 1024;
const COPY_BYTES = 1024 * 1024;

interface Place {
  readonly offset: number;
  readonly bytes: number;
}

interface Append {
  readonly record: Buffer;
  resolve(): void;
  reject(error: MeshError): void;
}

/** Another process has taken the file over, or somebody has removed it: append to another. */
export class LostFileError extends MeshError {
  constructor(path: string) {
    super("unavailable", `the outbox ${path} is no longer this process's own`);
  }
}

/**
 * Messages on disk, in the order in which they were appended. Appends of the same moment share one disk sync. A head
 * position, written behind the messages like them, marks the forwarded ones. Nothing in the file is overwritten, so a
 * crash tears at most its tail, which was confirmed to nobody.
 */
export class OutboxFile {
  #path: string;
  #handle: FileHandle;
  /** Inode of the file: shows whether the file under our name is still this one. */
  #inode: number;
  readonly #places: Place[];
  #waitingBytes: number;
  #end: number;
  readonly #appends: Append[] = [];
  #writing: Promise<void> | undefined;
  /** Serialises the writes. */
  #last: Promise<unknown> = Promise.resolve();
  /** Set by a write that could not be undone: the end of the file is then unknown. */
  #broken: MeshError | undefined;
  /** Bytes of records that could not be read when the file was opened. */
  readonly damagedBytes: number;

  private constructor(
    path: string,
    handle: FileHandle,
    inode: number,
    content: { readonly places: Place[]; readonly end: number; readonly damagedBytes: number },
  ) {
    this.#path = path;
    this.#handle = handle;
    this.#inode = inode;
    this.#places = content.places;
    this.#waitingBytes = bytesOf(content.places);
    this.#end = content.end;
    this.damagedBytes = content.damagedBytes;
  }

  /** Creates a new file, and its folder. Rejects with `backpressure` when the disk is full, else with `unavailable`. */
  static async create(path: string): Promise<OutboxFile> {
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const handle = await open(path, "wx+", 0o600);
      await syncFolder(dirname(path));
      const { ino } = await handle.stat();
      return new OutboxFile(path, handle, ino, { places: [], end: 0, damagedBytes: 0 });
    } catch (cause) {
      throw diskError(cause, `the outbox ${path} cannot be made`);
    }
  }

  /** Opens a file that another process has left. Rejects as {@link create} does. */
  static async open(path: string): Promise<OutboxFile> {
    try {
      const handle = await open(path, "r+");
      try {
        const content = contentOf(await readFile(handle));
        const { ino } = await handle.stat();
        return new OutboxFile(path, handle, ino, content);
      } catch (thrown) {
        await handle.close();
        throw thrown;
      }
    } catch (cause) {
      throw diskError(cause, `the outbox ${path} cannot be read`);
    }
  }

  get name(): string {
    return basename(this.#path);
  }

  /** Number of messages on disk that are not forwarded. */
  get waiting(): number {
    return this.#places.length;
  }

  /** Bytes of the waiting messages. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Resolves once the record of a message is on disk. Rejects as {@link create} does, with `timeout` when it may be on
   * disk or not, or with LostFileError.
   */
  append(record: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#appends.push({ record, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** The first waiting messages, with undefined for one that can no longer be read. Rejects with `unavailable`. */
  async peek(maxCount: number, maxBytes: number): Promise<(Message | undefined)[]> {
    const places: Place[] = [];
    let bytes = 0;
    for (const place of this.#places.slice(0, maxCount)) {
      bytes += place.bytes;
      if (places.length > 0 && bytes > maxBytes) break;
      places.push(place);
    }
    const [first, last] = [places[0], places.at(-1)];
    if (first === undefined || last === undefined) return [];
    return this.#exclusively(async () => {
      // Head records may stand between the messages.
      const content = Buffer.alloc(last.offset + last.bytes - first.offset);
      await readFully(this.#handle, content, first.offset);
      return places.map(({ offset, bytes: length }) =>
        messageOfRecord(content.subarray(offset - first.offset, offset - first.offset + length)),
      );
    }, "cannot be read");
  }

  /** Marks the first `count` messages as forwarded. If it rejects, a successor would forward them again. */
  advance(count: number): Promise<void> {
    this.#waitingBytes -= bytesOf(this.#places.splice(0, count));
    return this.#exclusively(async () => {
      // Computed only now: messages may have been appended, or forwarded, meanwhile.
      const head = this.#places[0]?.offset;
      if (head === undefined) return this.#clear();
      if (head > Math.max(COMPACT_BYTES, this.#end - head)) return this.#compact(head);
      await this.#write(headRecord(head));
    }, "cannot be written");
  }

  /** A broken file takes no more messages: after a write that could not be undone its end is unknown. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Shows other processes that the owner is alive. Never rejects. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#handle.utimes(now, now).catch(() => undefined);
  }

  /** Whether no other process has taken the file over, and nobody has removed it. */
  async isOwn(): Promise<boolean> {
    const found = await stat(this.#path).catch(() => undefined);
    return found?.ino === this.#inode;
  }

  /** Finishes the work under way. Removes the file when no message waits in it, else renames it. */
  async close(leaveAs: string): Promise<void> {
    await this.#writing;
    await this.#last;
    await this.#handle.close().catch(() => undefined);
    if (!(await this.isOwn())) return;
    try {
      if (this.waiting === 0) await rm(this.#path);
      else await rename(this.#path, join(dirname(this.#path), leaveAs));
    } catch (cause) {
      throw diskError(cause, `the outbox ${this.#path} cannot be left`);
    }
  }

  async #writeAll(): Promise<void> {
    // Appends of the same tick share one write.
    await Promise.resolve();
    while (this.#appends.length > 0) {
      const appends = this.#appends.splice(0);
      try {
        await this.#exclusively(() => this.#writeGroup(appends), "cannot be written");
        for (const { resolve } of appends) resolve();
      } catch (thrown) {
        for (const { reject } of appends) reject(thrown as MeshError);
      }
    }
    this.#writing = undefined;
  }

  async #writeGroup(appends: readonly Append[]): Promise<void> {
    let offset = this.#end;
    await this.#write(Buffer.concat(appends.map(({ record }) => record)));
    // Checked only now: a process that takes the file over after this moment reads the new messages.
    if (!(await this.isOwn())) throw new LostFileError(this.#path);
    for (const { record } of appends) {
      this.#places.push({ offset, bytes: record.length });
      this.#waitingBytes += record.length;
      offset += record.length;
    }
  }

  /** Writes at the end, and syncs. A failed write is undone, so that it does not stand before later ones. */
  async #write(content: Buffer): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      await writeFully(this.#handle, content, this.#end);
      await this.#handle.datasync();
      this.#end += content.length;
    } catch (thrown) {
      try {
        await this.#handle.truncate(this.#end);
      } catch (cause) {
        this.#broken = diskError(cause, `the outbox ${this.#path} is broken`);
        const message = `the outbox ${this.#path} failed, and may hold the message or not`;
        throw new MeshError("timeout", message, { cause: thrown });
      }
      throw thrown;
    }
  }

  async #clear(): Promise<void> {
    await this.#handle.truncate(0);
    await this.#handle.datasync();
    this.#end = 0;
    this.#broken = undefined;
  }

  /** Writes the waiting messages into a new file, which replaces this one. */
  async #compact(head: number): Promise<void> {
    const path = `${this.#path}.new`;
    await rm(path, { force: true });
    const handle = await open(path, "wx+", 0o600);
    try {
      const buffer = Buffer.alloc(COPY_BYTES);
      for (let offset = head; offset < this.#end; offset += COPY_BYTES) {
        const part = buffer.subarray(0, Math.min(COPY_BYTES, this.#end - offset));
        await readFully(this.#handle, part, offset);
        await writeFully(handle, part, offset - head);
      }
      // A copied head position would refer to the old file.
      await writeFully(handle, headRecord(0), this.#end - head);
      await handle.datasync();
      // If another process has taken the file over, that process forwards it; the old name must not come back.
      if (await this.isOwn()) await rename(path, this.#path);
      else await rm(path);
      await syncFolder(dirname(this.#path));
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
    await this.#handle.close();
    this.#handle = handle;
    this.#inode = (await handle.stat()).ino;
    this.#end = this.#end - head + headRecord(0).length;
    for (const [i, { offset, bytes }] of this.#places.entries())
      this.#places[i] = { offset: offset - head, bytes };
  }

  #exclusively<T>(work: () => Promise<T>, whatFails: string): Promise<T> {
    const done = this.#last.then(work).catch((cause: unknown) => {
      throw diskError(cause, `the outbox ${this.#path} ${whatFails}`);
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function contentOf(content: Buffer): { places: Place[]; end: number; damagedBytes: number } {
  const scanned = scanRecords(content);
  let head = 0;
  let damagedBytes = 0;
  for (const found of scanned) {
    if (found.kind === "head") head = found.position;
    else if (found.kind === "damage") damagedBytes += found.bytes;
  }
  const places = scanned.flatMap((found) => {
    return found.kind === "entry" && found.offset >= head
      ? [{ offset: found.offset, bytes: found.bytes }]
      : [];
  });
  return { places, end: content.length, damagedBytes };
}

function bytesOf(places: readonly Place[]): number {
  return places.reduce((sum, { bytes }) => sum + bytes, 0);
}
