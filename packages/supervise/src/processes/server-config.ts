import { readFileSync } from "node:fs";
import { lastGoodFile, writeWhole } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { isSealed } from "@adaos/nats-server";

/**
 * Keeps a copy of a server's config beside it, and replaces a missing or broken config by it. The reason: a server that
 * reads half of its config is open to everybody. Returns whether it was restored. Throws `invalid-config` when there is
 * no copy, and the system's error.
 */
export function mendServerConfig(file: string): boolean {
  const copy = lastGoodFile(file);
  const [text, good] = [textOf(file), textOf(copy)];
  if (text !== undefined && isSealed(text)) {
    if (text !== good) writeWhole(copy, text);
    return false;
  }
  if (good === undefined || !isSealed(good))
    throw new MeshError(
      "invalid-config",
      `${file} is broken, and so is its copy; run adaos up, or join again`,
    );
  writeWhole(file, good);
  return true;
}

/** Undefined when the file cannot be read: it may be replaced. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
