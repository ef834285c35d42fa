import { MeshError } from "@adaos/core";
import { claimStore } from "@adaos/nats-server";
import { readLayout, serverProcesses, storeDirOf } from "@adaos/provision";
import { leftChildren } from "../processes/left-children.ts";
import { isRunning, runningSupervisor } from "../processes/process-table.ts";
import { mendServerConfig } from "../processes/server-config.ts";
import { lockHolder } from "../processes/state-lock.ts";
import { OWNER_LOCK } from "../processes/stop-processes.ts";

/**
 * What a supervisor does before each start of a server, for a unit of systemd: restores a damaged config, and compares
 * the key of the streams. Returns whether it restored the config. Throws `unavailable` while a supervisor runs this
 * folder, its servers are left, or the streams are being copied, since two servers of one store would damage it, and
 * `invalid-config` for another key.
 */
export function prepareServer(stateDir: string, name: string): boolean {
  const supervisor = runningSupervisor(stateDir);
  if (supervisor !== undefined)
    throw new MeshError(
      "unavailable",
      `adaos up (process ${supervisor.pid}) runs the servers of ${stateDir}; stop it with adaos down`,
    );
  const other = lockHolder(stateDir, OWNER_LOCK) ?? leftChildren(stateDir).find(isRunning);
  if (other !== undefined)
    throw new MeshError(
      "unavailable",
      `process ${other.pid} (${other.name}) uses the stores of ${stateDir}; wait until it ends, or end it with adaos down`,
    );
  const server = serverProcesses(readLayout(stateDir)).find((one) => one.name === name);
  if (server === undefined)
    throw new MeshError("usage", `no server ${name} in ${stateDir}; run adaos install systemd again`);
  const isMended = mendServerConfig(server.configFile);
  claimStore(storeDirOf(stateDir, server), server.storeKeyFile);
  return isMended;
}
