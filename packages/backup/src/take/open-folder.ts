import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "@adaos/core";

const MAX_ATTEMPTS = 50;
const PART_BYTES = 1_048_576;

/** A file that stays readable, also when it is renamed or removed meanwhile. */
export interface HeldFile {
  readonly name: string;
  readonly handle: FileHandle;
}

/**
 * Opens all files of a folder as it is at one moment: processes that take files over from each other write the content
 * elsewhere before they remove it. No files where there is no folder. Rejects with `unavailable`.
 */
export async function openFolder(dir: string, isWanted: (name: string) => boolean): Promise<HeldFile[]> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const names = await namesIn(dir, isWanted);
    const held: HeldFile[] = [];
    try {
      for (const name of names) held.push({ name, handle: await open(join(dir, name), "r") });
      if ((await namesIn(dir, isWanted)).join("\0") === names.join("\0")) return held;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") {
        await closeAll(held);
        throw MeshError.from(thrown, "unavailable", `${dir} cannot be read`);
      }
    }
    await closeAll(held);
  }
  throw new MeshError("unavailable", `the files of ${dir} change all the time; try again`);
}

export async function closeAll(held: readonly HeldFile[]): Promise<void> {
  await Promise.all(held.map(({ handle }) => handle.close()));
}

/** The file as far as it reaches now. What is appended meanwhile is left out. */
export async function* contentOf({ handle }: HeldFile): AsyncGenerator<Buffer> {
  const { size } = await handle.stat();
  for (let at = 0; at < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(PART_BYTES, size - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    // It was cut meanwhile: an outbox that is empty.
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function namesIn(dir: string, isWanted: (name: string) => boolean): Promise<string[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && isWanted(entry.name))
      .map(({ name }) => name)
      .sort();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw MeshError.from(thrown, "unavailable", `${dir} cannot be read`);
  }
}
