import { MeshError } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import { recordOf } from "../processes/process-table.ts";
import { isLock, takeLock } from "../processes/state-lock.ts";

const POLL_MS = 50;

/**
 * Makes one change of a mesh at a time: two would overwrite each other. Rejects with `unavailable`.
 * @param waitMs How long it waits for another change to end.
 */
export async function whileLocked<T>(stateDir: string, change: () => Promise<T>, waitMs = 0): Promise<T> {
  const deadlineMs = performance.now() + waitMs;
  let taken = takeLock(stateDir, "change", recordOf("change", process.pid));
  while (!isLock(taken) && performance.now() < deadlineMs) {
    await delay(POLL_MS);
    taken = takeLock(stateDir, "change", recordOf("change", process.pid));
  }
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
