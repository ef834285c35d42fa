import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { SKILL_FILE } from "../file/read-skill.ts";

/** More files are not looked at: a skill that large is loaded anew by hand. */
const MAX_FILES = 2000;
const MAX_DEPTH = 8;
/** Of more entries, a skill's data too, none is looked at but `skill.yaml`: each look would take long. */
const MAX_ENTRIES = 10_000;
/** What a skill's code is written in. Others may be its data, which it writes itself. */
const CODE = /\.([mc]?[jt]s|py|rb|lua|sh|pl|php|wasm|ya?ml)$/;
/** Entries that the system is asked for at once: the default of 32 takes many calls. */
const BUFFERED = 512;
const SKIPPED = new Set(["node_modules", "__pycache__"]);

/** A text that changes with the code of a skill's folder; undefined where there is no skill. */
export async function codeStamp(folder: string): Promise<string | undefined> {
  const stamps: string[] = [];
  let entries = 0;
  const look = async (dir: string, below: string, depth: number): Promise<void> => {
    for await (const entry of await opendir(dir, { bufferSize: BUFFERED })) {
      if (++entries > MAX_ENTRIES) return;
      if (stamps.length >= MAX_FILES || entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
      const path = `${below}${entry.name}`;
      if (entry.isDirectory() && depth < MAX_DEPTH) await look(join(dir, entry.name), `${path}/`, depth + 1);
      if (!entry.isFile() || !CODE.test(entry.name)) continue;
      const { mtimeMs, size, ino } = await stat(join(dir, entry.name));
      stamps.push(`${path} ${mtimeMs} ${size} ${ino}`);
    }
  };
  try {
    const { mtimeMs, size, ino } = await stat(join(folder, SKILL_FILE));
    await look(folder, "", 0);
    if (entries > MAX_ENTRIES) return `${SKILL_FILE} ${mtimeMs} ${size} ${ino}`;
    return stamps.sort().join("\n");
  } catch {
    // It is gone, or is being replaced: the next look tells.
    return undefined;
  }
}
