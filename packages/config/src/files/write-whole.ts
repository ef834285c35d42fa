import { renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "./make-folder.ts";

/**
 * Writes a file as a whole: a reader sees the old one or the new one. Only its owner may read it, unless `mode` says
 * otherwise.
 */
export function writeWhole(file: string, text: string, mode = 0o600): void {
  makeFolder(dirname(file), mode === 0o600 ? 0o700 : 0o755);
  // Left by one that was killed, or a link that leads elsewhere.
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, text, { mode, flag: "wx" });
  renameSync(`${file}.new`, file);
}
