import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { deflateRaw } from "node:zlib";
import { MeshError } from "@adaos/core";
import { CODINGS, FORMAT, FRAMES, frameHead, PART_BYTES } from "./frame.ts";
import { type BackupHeader, headerBytes, headerDigest } from "./header.ts";
import type { Blob, Manifest } from "./manifest.ts";
import { newSealSettings, Seal } from "./seal.ts";

const deflated: (content: Buffer, options: { level: number }) => Promise<Buffer> = promisify(deflateRaw);

/** Blobs up to here are hashed before they are written, so that one that is known is not written again. */
export const MAX_HELD_BYTES = 33_554_432;
const LEVEL = 1;

export interface WriterOptions {
  readonly file: string;
  /** The whole file is encrypted. */
  readonly passphrase?: string | undefined;
  /** The backup whose blobs are not stored again. */
  readonly base?:
    | { readonly id: string; readonly file: string; readonly blobs: ReadonlySet<string> }
    | undefined;
  readonly force?: boolean | undefined;
}

/** Writes a backup beside its place, and moves it there when it is whole. */
export class BackupWriter {
  readonly id: string;
  readonly #file: string;
  readonly #force: boolean;
  readonly #handle: FileHandle;
  readonly #seal: Seal | undefined;
  readonly #known: Set<string>;
  readonly #hash = createHash("sha256");
  #place = 0;
  #written = 0;
  #stored = 0;

  private constructor(
    id: string,
    handle: FileHandle,
    seal: Seal | undefined,
    { file, base, force }: WriterOptions,
  ) {
    this.id = id;
    this.#file = file;
    this.#force = force === true;
    this.#handle = handle;
    this.#seal = seal;
    this.#known = new Set(base?.blobs ?? []);
  }

  /** Rejects with `usage` when the file exists or cannot be written. */
  static async open(options: WriterOptions): Promise<BackupWriter> {
    const { file, passphrase, base } = options;
    assertFree(file, options.force === true);
    const header: BackupHeader = {
      format: FORMAT,
      id: randomUUID(),
      madeAt: new Date().toISOString(),
      ...(base === undefined ? {} : { base: { id: base.id, file: base.file } }),
      ...(passphrase === undefined ? {} : { seal: newSealSettings() }),
    };
    const bytes = headerBytes(header);
    const seal =
      passphrase === undefined || header.seal === undefined
        ? undefined
        : await Seal.of(passphrase, header.seal, headerDigest(bytes));
    const handle = await writeErrors(file, async () => {
      // Left by a killed process.
      await rm(stagedName(file), { force: true });
      return open(stagedName(file), "wx", 0o600);
    });
    const writer = new BackupWriter(header.id, handle, seal, options);
    await writer.#write(bytes);
    return writer;
  }

  /** Bytes of the file so far. */
  get written(): number {
    return this.#written;
  }

  /** Bytes of content that were stored here, and not taken over from the base. */
  get stored(): number {
    return this.#stored;
  }

  /** Stores content, unless the same is stored. Rejects with `unavailable` when the disk is full or fails. */
  async blob(content: Buffer): Promise<Blob> {
    const sha256 = createHash("sha256").update(content).digest("hex");
    if (this.#known.has(sha256)) return { sha256, bytes: content.length };
    return this.stream([content]);
  }

  /** Like {@link blob}, for content that is too large to be held. */
  async stream(parts: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Blob> {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of parts) {
      for (let at = 0; at < part.length; at += PART_BYTES) {
        const content = part.subarray(at, at + PART_BYTES);
        hash.update(content);
        await this.#frame(FRAMES.part, await coded(content));
      }
      bytes += part.length;
    }
    const blob = { sha256: hash.digest("hex"), bytes };
    await this.#frame(FRAMES.blob, Buffer.from(JSON.stringify(blob)));
    this.#known.add(blob.sha256);
    this.#stored += bytes;
    return blob;
  }

  /** The file takes its place, whole and on disk. Rejects as {@link open} and {@link blob} do. */
  async finish(manifest: Manifest): Promise<void> {
    const text = Buffer.from(JSON.stringify(manifest));
    for (let at = 0; at < text.length; at += PART_BYTES)
      await this.#frame(FRAMES.part, await coded(text.subarray(at, at + PART_BYTES)));
    const sha256 = createHash("sha256").update(text).digest("hex");
    await this.#frame(FRAMES.manifest, Buffer.from(JSON.stringify({ sha256, bytes: text.length })));
    const digest = this.#hash.digest();
    if (!(await this.#isInPlace()))
      throw new MeshError("usage", `another backup is written to ${this.#file} now; name another file`);
    await writeErrors(this.#file, async () => {
      await this.#handle.writeFile(Buffer.concat([frameHead(FRAMES.end, digest.length), digest]));
      await this.#handle.sync();
      assertFree(this.#file, this.#force);
      await rename(stagedName(this.#file), this.#file);
      const folder = await open(dirname(this.#file), "r");
      await folder.sync().finally(() => folder.close());
      await this.#handle.close();
    });
    this.#written += digest.length + frameHead(0, 0).length;
  }

  /** Removes what was written. Safe to call at any time before {@link finish} resolves. */
  async discard(): Promise<void> {
    const isOwn = await this.#isInPlace().catch(() => false);
    await this.#handle.close().catch(() => undefined);
    if (isOwn) await rm(stagedName(this.#file), { force: true });
  }

  /** Whether no other process has begun the same file since. */
  async #isInPlace(): Promise<boolean> {
    const [own, there] = [
      await this.#handle.stat(),
      await stat(stagedName(this.#file)).catch(() => undefined),
    ];
    return own.ino === there?.ino && own.dev === there.dev;
  }

  async #frame(type: number, content: Buffer): Promise<void> {
    const place = this.#place++;
    const body = this.#seal?.close(content, type, place) ?? content;
    await this.#write(Buffer.concat([frameHead(type, body.length), body]));
  }

  async #write(content: Buffer): Promise<void> {
    this.#hash.update(content);
    await writeErrors(this.#file, () => this.#handle.writeFile(content));
    this.#written += content.length;
  }
}

async function coded(content: Buffer): Promise<Buffer> {
  const small = await deflated(content, { level: LEVEL });
  return small.length < content.length
    ? Buffer.concat([Buffer.from([CODINGS.deflated]), small])
    : Buffer.concat([Buffer.from([CODINGS.plain]), content]);
}

function stagedName(file: string): string {
  return `${file}.partial`;
}

function assertFree(file: string, force: boolean): void {
  if (!force && existsSync(file))
    throw new MeshError("usage", `${file} exists; name another file, or overwrite it with --force`);
}

async function writeErrors<T>(file: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const isFull = (cause as NodeJS.ErrnoException).code === "ENOSPC";
    if (isFull)
      throw new MeshError("unavailable", `the disk of ${file} is full; nothing was kept`, { cause });
    throw MeshError.from(cause, "usage", `${file} cannot be written`);
  }
}
