import { MeshError } from "@adaos/core";
import type { Layout } from "@adaos/provision";
import { leftChildren } from "./processes/left-children.ts";
import { isRunning, recordOf, runningSupervisor, SUPERVISOR } from "./processes/process-table.ts";
import { isLock, takeLock } from "./processes/state-lock.ts";
import { OWNER_LOCK } from "./processes/stop-processes.ts";
import { isTaken } from "./processes/taken-port.ts";
import { assertNoUnitsRun } from "./systemd/uninstall-units.ts";

/**
 * Does something to the files of servers while none of them can run: `adaos up` and units of systemd wait outside.
 * Rejects with `usage` when the mesh of the folder runs, or one of its servers by itself, with `unavailable` when
 * systemd runs it, and as `act` does.
 */
export async function whileStopped<T>(stateDir: string, layout: Layout, act: () => Promise<T>): Promise<T> {
  const running = new MeshError("usage", `the mesh of ${stateDir} runs; stop it first: adaos down`);
  if (runningSupervisor(stateDir) !== undefined || leftChildren(stateDir).some(isRunning)) throw running;
  await assertNoUnitsRun(stateDir);
  for (const { name, url } of layout.servers) {
    if (await isTaken(url))
      throw new MeshError("usage", `a program listens at the address of ${name}, ${url}; stop it first`);
  }
  const lock = takeLock(stateDir, OWNER_LOCK, recordOf(SUPERVISOR, process.pid));
  if (!isLock(lock)) throw running;
  try {
    return await act();
  } finally {
    lock.release();
  }
}
