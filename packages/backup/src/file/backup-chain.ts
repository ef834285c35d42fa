import { dirname, join } from "node:path";
import { MeshError } from "@adaos/core";
import { blobsOf, type Manifest } from "./manifest.ts";
import { BackupFile } from "./read-backup.ts";

/** Bases behind a backup. */
const MAX_LENGTH = 1000;

/** A backup with the backups on which it is based, newest first: together they have all of its content. */
export class BackupChain {
  readonly files: readonly BackupFile[];
  readonly newest: BackupFile;

  private constructor(newest: BackupFile, files: readonly BackupFile[]) {
    this.newest = newest;
    this.files = files;
  }

  /**
   * Opens a backup and, from the same folder, its bases. Rejects as {@link BackupFile.open} does, and with
   * `invalid-config` when a base is missing, is another backup, or lacks content.
   */
  static async open(file: string, passphrase: string | undefined): Promise<BackupChain> {
    const files: BackupFile[] = [];
    try {
      const newest = await BackupFile.open(file, passphrase);
      files.push(newest);
      for (let { base } = newest.header; base !== undefined; base = files.at(-1)?.header.base) {
        if (files.length >= MAX_LENGTH)
          throw new MeshError("invalid-config", `${file} has more than ${MAX_LENGTH} bases`);
        files.push(await openBase(join(dirname(file), base.file), base.id, file, passphrase));
      }
      const lacking = blobsOf(newest.manifest).find(
        ({ sha256, bytes }) => !files.some((one) => one.bytesOf(sha256) === bytes),
      );
      if (lacking !== undefined)
        throw new MeshError(
          "invalid-config",
          `the backup ${file} is damaged: it lacks the content ${lacking.sha256}`,
        );
      return new BackupChain(newest, files);
    } catch (thrown) {
      await Promise.all(files.map((one) => one.close()));
      throw thrown;
    }
  }

  get manifest(): Manifest {
    return this.newest.manifest;
  }

  /** Content of any of the files, by its SHA-256. Rejects as {@link BackupFile.content} does. */
  content(sha256: string): AsyncGenerator<Buffer> {
    return (this.files.find((file) => file.has(sha256)) ?? this.newest).content(sha256);
  }

  /** All content that need not be stored again. */
  get blobs(): ReadonlySet<string> {
    return new Set(this.files.flatMap((file) => [...file.blobs]));
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }
}

async function openBase(
  path: string,
  id: string,
  of: string,
  passphrase: string | undefined,
): Promise<BackupFile> {
  let base: BackupFile;
  try {
    base = await BackupFile.open(path, passphrase);
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", `${of} goes on from ${path}`);
  }
  if (base.header.id === id) return base;
  await base.close();
  throw new MeshError("invalid-config", `${of} goes on from another backup than ${path}, which was replaced`);
}
