import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { SUFFIX } from "./mark-file.ts";

/** Bytes of the marks that processes of a node keep in this folder; 0 where there are none. */
export async function marksBytes(dir: string): Promise<number> {
  const names = await readdir(dir).catch(nothingIfGone);
  const files = names.filter((name) => name.endsWith(SUFFIX)).map((name) => join(dir, name));
  const infos = await Promise.all(files.map((file) => stat(file).catch(nothingIfGone)));
  return infos.reduce((sum, info) => sum + ("size" in info ? info.size : 0), 0);
}

/** Files come and go while one looks. */
function nothingIfGone(thrown: unknown): [] {
  if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
  throw thrown;
}
