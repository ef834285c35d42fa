import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MeshError } from "@adaos/core";
import { isRunning, type ProcessRecord, recordOf } from "../process-table.ts";

/** One change of a mesh at a time: two would each undo what the other has written. Rejects with `unavailable`. */
export async function whileLocked<T>(stateDir: string, change: () => Promise<T>): Promise<T> {
  const file = join(stateDir, "run", "change.lock");
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  take(file);
  try {
    return await change();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string): void {
  const self = `${JSON.stringify(recordOf("change", process.pid))}\n`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      return writeFileSync(file, self, { flag: "wx", mode: 0o600 });
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
    }
    const holder = holderOf(file);
    if (holder !== undefined && isRunning(holder)) {
      throw new MeshError(
        "unavailable",
        `process ${holder.pid} is changing this mesh; try again when it is done`,
      );
    }
    // Whoever took it has died.
    rmSync(file, { force: true });
  }
  throw new MeshError("unavailable", `${file} cannot be taken; somebody else is changing this mesh`);
}

function holderOf(file: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  } catch {
    return undefined;
  }
}
