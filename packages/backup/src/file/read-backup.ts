import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { MeshError } from "@adaos/core";
import { CODINGS, FRAME_HEAD_BYTES, FRAMES, MAX_BODY_BYTES, PART_BYTES } from "./frame.ts";
import { type BackupHeader, headerDigest, headerLength, parseHeader } from "./header.ts";
import { type Blob, type Manifest, manifestSchema } from "./manifest.ts";
import { Seal } from "./seal.ts";

const inflated: (content: Buffer, options: { maxOutputLength: number }) => Promise<Buffer> =
  promisify(inflateRaw);

const READ_BYTES = 1_048_576;
const DIGEST_BYTES = 32;
/** Of the manifest: hundreds of thousands of files. */
const MAX_MANIFEST_BYTES = 268_435_456;

/** Where the content of a blob begins in the file, and the number of its first frame. */
interface BlobPlace extends Blob {
  readonly offset: number;
  readonly place: number;
}

interface Frame {
  readonly type: number;
  readonly body: Buffer;
  readonly next: number;
}

/** A backup that was read once from its beginning to its end, and is whole. */
export class BackupFile {
  readonly file: string;
  readonly header: BackupHeader;
  readonly bytes: number;
  readonly #handle: FileHandle;
  readonly #seal: Seal | undefined;
  readonly #blobs = new Map<string, BlobPlace>();
  #manifest: Manifest | undefined;

  private constructor(file: string, handle: FileHandle, header: BackupHeader, bytes: number, seal?: Seal) {
    this.file = file;
    this.#handle = handle;
    this.header = header;
    this.bytes = bytes;
    this.#seal = seal;
  }

  /**
   * Reads all of it and compares every checksum. Rejects with `invalid-config` for a file that is cut, damaged, of a
   * newer format or no backup, with `denied` for a wrong passphrase, and with `usage` when there is no such file or
   * no passphrase.
   * @param passphrase Undefined: none is known.
   */
  static async open(file: string, passphrase: string | undefined): Promise<BackupFile> {
    let handle: FileHandle;
    try {
      handle = await open(file, "r");
    } catch (cause) {
      throw MeshError.from(cause, "usage", `the backup ${file} cannot be read`);
    }
    try {
      const { size } = await handle.stat();
      const header = await readHeader(handle, file);
      await assertWhole(handle, file, size);
      const seal = await sealOf(header, passphrase, file);
      const backup = new BackupFile(file, handle, header.value, size, seal);
      await backup.#index(header.bytes.length, size - DIGEST_BYTES - FRAME_HEAD_BYTES);
      return backup;
    } catch (thrown) {
      await handle.close();
      throw MeshError.from(thrown, "invalid-config", `the backup ${file} cannot be read`);
    }
  }

  get manifest(): Manifest {
    if (this.#manifest === undefined) throw damaged(this.file, "it has no table of contents");
    return this.#manifest;
  }

  get blobs(): ReadonlySet<string> {
    return new Set(this.#blobs.keys());
  }

  has(sha256: string): boolean {
    return this.#blobs.has(sha256);
  }

  /** Bytes of a blob; undefined when it is not here. */
  bytesOf(sha256: string): number | undefined {
    return this.#blobs.get(sha256)?.bytes;
  }

  /** The content of a blob that {@link has} knows. Rejects with `invalid-config` when the file has changed since. */
  async *content(sha256: string): AsyncGenerator<Buffer> {
    const found = this.#blobs.get(sha256);
    if (found === undefined) throw damaged(this.file, `it lacks ${sha256}`);
    const hash = createHash("sha256");
    for await (const part of this.#parts(found)) {
      hash.update(part);
      yield part;
    }
    if (hash.digest("hex") !== sha256) throw damaged(this.file, "it has changed while it was read");
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async *#parts({
    offset,
    place,
  }: {
    readonly offset: number;
    readonly place: number;
  }): AsyncGenerator<Buffer> {
    for (let at = offset, number = place; ; number++) {
      const { type, body, next } = await this.#frame(at, number);
      if (type !== FRAMES.part) return;
      yield await decoded(body);
      at = next;
    }
  }

  async #index(from: number, end: number): Promise<void> {
    let offset = from;
    let begins = { offset, place: 0 };
    let hash = createHash("sha256");
    let bytes = 0;
    for (let place = 0; offset < end; place++) {
      const { type, body, next } = await this.#frame(offset, place);
      offset = next;
      if (type === FRAMES.part) {
        const part = await decoded(body);
        hash.update(part);
        bytes += part.length;
        continue;
      }
      const told = JSON.parse(body.toString()) as Blob;
      if (told.sha256 !== hash.digest("hex") || told.bytes !== bytes)
        throw damaged(this.file, "a part of it has another checksum");
      if (type === FRAMES.blob) this.#blobs.set(told.sha256, { ...told, ...begins });
      else if (type === FRAMES.manifest && offset === end && bytes <= MAX_MANIFEST_BYTES)
        this.#manifest = await this.#readManifest(begins);
      else throw damaged(this.file, "its parts are not in order");
      begins = { offset, place: place + 1 };
      hash = createHash("sha256");
      bytes = 0;
    }
    if (this.#manifest === undefined || offset !== end)
      throw damaged(this.file, "it does not end as it should");
  }

  async #readManifest(begins: { readonly offset: number; readonly place: number }): Promise<Manifest> {
    const parts: Buffer[] = [];
    for await (const part of this.#parts(begins)) parts.push(part);
    const parsed = manifestSchema.safeParse(JSON.parse(Buffer.concat(parts).toString()));
    if (parsed.success) return parsed.data;
    throw damaged(this.file, "its table of contents is not as it should be");
  }

  async #frame(offset: number, place: number): Promise<Frame> {
    const head = await readAt(this.#handle, offset, FRAME_HEAD_BYTES);
    const length = head.readUInt32BE();
    const type = head[4] as number;
    if (length > MAX_BODY_BYTES) throw damaged(this.file, "a part of it is too long");
    const content = await readAt(this.#handle, offset + FRAME_HEAD_BYTES, length);
    const next = offset + FRAME_HEAD_BYTES + length;
    if (this.#seal === undefined) return { type, body: content, next };
    try {
      return { type, body: this.#seal.open(content, type, place), next };
    } catch (cause) {
      // Its checksum is right, so nothing has damaged it.
      throw new MeshError("denied", `the passphrase does not open ${this.file}`, { cause });
    }
  }
}

interface ReadHeader {
  readonly value: BackupHeader;
  readonly bytes: Buffer;
}

async function readHeader(handle: FileHandle, file: string): Promise<ReadHeader> {
  const begin = await readAt(handle, 0, 12).catch(() => Buffer.alloc(0));
  const length = headerLength(begin);
  if (length === undefined) throw new MeshError("invalid-config", `${file} is no backup of adaos`);
  const bytes = await readAt(handle, 0, length).catch(() => {
    throw damaged(file, "it is cut off");
  });
  return { value: parseHeader(bytes, file), bytes };
}

/** Compares the last bytes with the SHA-256 of all before them. */
async function assertWhole(handle: FileHandle, file: string, size: number): Promise<void> {
  const end = size - DIGEST_BYTES - FRAME_HEAD_BYTES;
  if (end <= 0) throw damaged(file, "it is cut off");
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; at < end; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_BYTES, end - at), at);
    if (bytesRead === 0) throw damaged(file, "it is cut off");
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  const last = await readAt(handle, end, FRAME_HEAD_BYTES + DIGEST_BYTES);
  const isEnd = last.readUInt32BE() === DIGEST_BYTES && last[4] === FRAMES.end;
  if (!isEnd) throw damaged(file, "it is cut off, or was changed at its end");
  if (!hash.digest().equals(last.subarray(FRAME_HEAD_BYTES))) throw damaged(file, "its checksum is another");
}

async function sealOf(
  { value, bytes }: ReadHeader,
  passphrase: string | undefined,
  file: string,
): Promise<Seal | undefined> {
  if (value.seal === undefined) return undefined;
  if (passphrase === undefined)
    throw new MeshError(
      "usage",
      `${file} is encrypted; name the file of its passphrase: --passphrase-file FILE`,
    );
  return Seal.of(passphrase, value.seal, headerDigest(bytes));
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error("it is cut off");
    done += bytesRead;
  }
  return buffer;
}

async function decoded(body: Buffer): Promise<Buffer> {
  const content = body.subarray(1);
  if (body[0] === CODINGS.plain) return content;
  if (body[0] !== CODINGS.deflated) throw new Error("a part of it has an unknown coding");
  return inflated(content, { maxOutputLength: PART_BYTES });
}

function damaged(file: string, why: string): MeshError {
  return new MeshError("invalid-config", `the backup ${file} is damaged: ${why}; use another one`);
}
