import { MeshError } from "@adaos/core";
import { claimStore } from "@adaos/nats-server";
import { readLayout, serverProcesses, storeDirOf } from "@adaos/provision";
import { runningSupervisor } from "../processes/process-table.ts";
import { mendServerConfig } from "../processes/server-config.ts";

/**
 * What a supervisor does before each start of a server, for a unit of systemd: restores a damaged config, and compares
 * the key of the streams. Returns whether it restored the config. Throws `unavailable` while a supervisor runs this
 * folder, since two servers of one store would damage it, and `invalid-config` for another key.
 */
export function prepareServer(stateDir: string, name: string): boolean {
  const supervisor = runningSupervisor(stateDir);
  if (supervisor !== undefined)
    throw new MeshError(
      "unavailable",
      `adaos up (process ${supervisor.pid}) runs the servers of ${stateDir}; stop it with adaos down`,
    );
  const server = serverProcesses(readLayout(stateDir)).find((one) => one.name === name);
  if (server === undefined)
    throw new MeshError("usage", `no server ${name} in ${stateDir}; run adaos install systemd again`);
  const isMended = mendServerConfig(server.configFile);
  claimStore(storeDirOf(stateDir, server), server.storeKeyFile);
  return isMended;
}
