import { MeshError } from "@adaos/core";
import { recordOf } from "../processes/process-table.ts";
import { isLock, takeLock } from "../processes/state-lock.ts";

/** Makes one change of a mesh at a time: two would overwrite each other. Rejects with `unavailable`. */
export async function whileLocked<T>(stateDir: string, change: () => Promise<T>): Promise<T> {
  const taken = takeLock(stateDir, "change", recordOf("change", process.pid));
  if (!isLock(taken)) {
    throw new MeshError(
      "unavailable",
      `process ${taken.pid} is changing this mesh; try again when it is done`,
    );
  }
  try {
    return await change();
  } finally {
    taken.release();
  }
}
