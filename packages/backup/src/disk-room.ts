import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { MeshError } from "@adaos/core";

/** Room that the disk keeps for everything else. */
const SPARE_BYTES = 67_108_864;

/**
 * Rejects with `unavailable` when the disk of a folder, which need not exist yet, has not room for so many bytes and
 * some more.
 * @param text The error's text, of the needed and the free room.
 */
export async function assertRoom(
  dir: string,
  bytes: number,
  text: (needed: string, free: string) => string,
): Promise<void> {
  let above = resolve(dir);
  while (!existsSync(above)) above = dirname(above);
  const { bavail, bsize } = await statfs(above);
  const [needed, free] = [bytes + SPARE_BYTES, bavail * bsize];
  if (free < needed) throw new MeshError("unavailable", text(megabytes(needed), megabytes(free)));
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
