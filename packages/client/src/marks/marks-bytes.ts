import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { SUFFIX } from "./mark-file.ts";

/** Bytes of the marks that a node's processes keep in this folder; 0 when there are none. */
export async function marksBytes(dir: string): Promise<number> {
  const names = await readdir(dir).catch(nothingIfGone);
  const files = names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(dir, name));
  const infos = await Promise.all(files.map((file) => stat(file).catch(nothingIfGone)));
  return infos.reduce((sum, info) => sum + ("size" in info ? info.size : 0), 0);
}

/** Files may appear and vanish during the look. */
function nothingIfGone(thrown: unknown): [] {
  if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
  throw thrown;
}
