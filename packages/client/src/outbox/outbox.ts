import { readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { OutboxLimits } from "@adaos/config";
import { type Logger, MeshError, type Message } from "@adaos/core";
import { assertSuffixes, FORMATS, messageBytes } from "@adaos/core/wire";
import { ageOf, isAbandoned, leftName, ownName } from "../disk/owner.ts";
import { LostFileError, OutboxFile } from "./outbox-file.ts";
import { entryRecord } from "./record.ts";

/** Suffix of its files. */
const SUFFIX = ".outbox";

/** Rejects with `invalid-config` when a later version has left messages in a form that is unknown here. */
export async function assertOutboxFormat(dir: string): Promise<void> {
  // A folder that is there and cannot be read is reported by the outbox itself.
  const names = await readdir(dir).catch((): string[] => []);
  assertSuffixes(FORMATS.outbox, names, SUFFIX, dir);
}

/**
 * Messages that this process has accepted and not forwarded. They are in a file of its own, and in files that processes
 * of the same node have left. Appended at the end, forwarded from the beginning, bounded. No file exists before a
 * message has to wait.
 */
export class Outbox {
  readonly #dir: string;
  readonly #limits: OutboxLimits;
  readonly #log: Logger;
  /** In the order of forwarding. */
  readonly #files: OutboxFile[] = [];
  /** The file for appends, the last one. */
  #own: Promise<OutboxFile> | undefined;
  #appending = 0;
  #appendingBytes = 0;
  #accepted = 0;

  /** `dir` belongs to the node; it is created when a message has to wait. */
  constructor(dir: string, limits: OutboxLimits, log: Logger) {
    this.#dir = dir;
    this.#limits = limits;
    this.#log = log;
  }

  /** Messages that are appended, or about to be, and not forwarded. */
  get waiting(): number {
    let waiting = this.#appending;
    for (const file of this.#files) waiting += file.waiting;
    return waiting;
  }

  get waitingBytes(): number {
    return this.#files.reduce((sum, { waitingBytes }) => sum + waitingBytes, this.#appendingBytes);
  }

  /**
   * Resolves once the message is on disk, with its position among those of this process. Rejects with `backpressure`,
   * with `unavailable` when the disk fails, or with `timeout` when the outcome of a failure is unknown. Keeps the
   * order.
   */
  async append(message: Message): Promise<number> {
    const record = entryRecord(message);
    this.#assertRoomFor(record.length);
    const position = ++this.#accepted;
    this.#appending++;
    this.#appendingBytes += record.length;
    try {
      await this.#store(record);
      return position;
    } finally {
      this.#appending--;
      this.#appendingBytes -= record.length;
    }
  }

  /**
   * The first waiting messages, at least one, limited by the bytes of {@link messageBytes}. A message that can no
   * longer be read is undefined. Rejects with `unavailable`.
   */
  async peek(maxCount: number, maxBytes: number): Promise<(Message | undefined)[]> {
    const messages = (await this.#first()?.peek(maxCount, maxBytes)) ?? [];
    let bytes = 0;
    const end = messages.findIndex((message, i) => {
      if (message !== undefined) bytes += messageBytes(message);
      return i > 0 && bytes > maxBytes;
    });
    return end === -1 ? messages : messages.slice(0, end);
  }

  /** Whether at most so many messages and bytes wait. */
  isWithin(count: number, bytes: number): boolean {
    return this.waiting <= count && this.waitingBytes <= bytes;
  }

  /** Marks the first `count` messages of the last peek as forwarded. Never rejects. */
  async advance(count: number): Promise<void> {
    const file = this.#first();
    if (file === undefined || count === 0) return;
    try {
      await file.advance(count);
      if (file.waiting === 0 && file !== (await this.#own)) await this.#drop(file);
    } catch (err) {
      // The messages are forwarded; a successor would forward them again, with the same ids.
      this.#log.warn({ outbox: file.name, err }, "outbox position not written");
    }
  }

  /** Takes over files of the node's ended processes, untouched for `minAgeMs`, the oldest first. Never rejects. */
  async adopt(minAgeMs = 0): Promise<void> {
    for (const name of await this.#abandoned(minAgeMs)) {
      try {
        const path = join(this.#dir, ownName(SUFFIX, ageOf(name)));
        // If several processes try, only one succeeds.
        await rename(join(this.#dir, name), path);
        await rm(join(this.#dir, `${name}.new`), { force: true });
        await this.#take(await OutboxFile.open(path));
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code === "ENOENT") continue;
        this.#log.error({ outbox: name, err }, "outbox not taken over");
      }
    }
  }

  /** Shows other processes of the node that these files have an owner. Never rejects. */
  async touch(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.touch()));
  }

  /** Finishes the work under way, and leaves waiting messages to another process. Never rejects. */
  async close(): Promise<void> {
    await this.#own?.catch(() => undefined);
    for (const file of this.#files.splice(0)) {
      const { name } = file;
      await file.close(leftName(SUFFIX, ageOf(file.name))).catch((err: unknown) => {
        this.#log.warn({ outbox: name, err }, "outbox not closed");
      });
    }
    this.#own = undefined;
  }

  #assertRoomFor(bytes: number): void {
    const { maxBytes, maxEvents } = this.#limits;
    const { waiting, waitingBytes } = this;
    if (waiting < maxEvents && waitingBytes + bytes <= maxBytes) return;
    const held = `${waiting} events (${waitingBytes} bytes)`;
    throw new MeshError("backpressure", `the outbox is full: ${held} wait for the hub; publish later`);
  }

  async #store(record: Buffer): Promise<void> {
    for (;;) {
      const own = this.#ownFile();
      const file = await own;
      try {
        return await file.append(record);
      } catch (thrown) {
        if ((file.isBroken || thrown instanceof LostFileError) && this.#own === own) this.#own = undefined;
        if (!(thrown instanceof LostFileError)) throw thrown;
      }
    }
  }

  #ownFile(): Promise<OutboxFile> {
    if (this.#own !== undefined) return this.#own;
    const made = OutboxFile.create(join(this.#dir, ownName(SUFFIX)));
    this.#own = made;
    made.then(
      (file) => this.#files.push(file),
      () => {
        // The next message tries again.
        if (this.#own === made) this.#own = undefined;
      },
    );
    return made;
  }

  #first(): OutboxFile | undefined {
    return this.#files.find(({ waiting }) => waiting > 0);
  }

  async #take(file: OutboxFile): Promise<void> {
    const { damagedBytes, name, waiting } = file;
    if (damagedBytes > 0) this.#log.error({ outbox: name, damagedBytes }, "outbox damaged");
    if (waiting === 0) return file.close(leftName(SUFFIX, ageOf(file.name)));
    this.#log.info({ outbox: name, waiting }, "outbox taken over");
    const own = await this.#own?.catch(() => undefined);
    const at = own === undefined ? -1 : this.#files.indexOf(own);
    this.#files.splice(at === -1 ? this.#files.length : at, 0, file);
  }

  async #drop(file: OutboxFile): Promise<void> {
    this.#files.splice(this.#files.indexOf(file), 1);
    await file.close(leftName(SUFFIX, ageOf(file.name)));
  }

  async #abandoned(minAgeMs: number): Promise<string[]> {
    try {
      const names = (await readdir(this.#dir)).filter((name) => name.endsWith(SUFFIX));
      const touched = await Promise.all(
        names.map(async (name) => ({ name, atMs: (await stat(join(this.#dir, name))).mtimeMs })),
      );
      return touched
        .filter(
          ({ name, atMs }) => (minAgeMs === 0 || Date.now() - atMs >= minAgeMs) && isAbandoned(name, atMs),
        )
        .map(({ name }) => name)
        .sort((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
    } catch (err) {
      // Another process has just removed the file, or the folder does not exist yet.
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") this.#log.warn({ err }, "outboxes not listed");
      return [];
    }
  }
}
