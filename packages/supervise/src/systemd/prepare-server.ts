import { MeshError } from "@adaos/core";
import { readLayout } from "@adaos/provision";
import { runningSupervisor } from "../local-mesh.ts";
import { mendServerConfig } from "../processes/server-config.ts";

/**
 * What a supervisor does before each start of a server, for a unit of systemd: restores a damaged config. Returns
 * whether it did. Throws `unavailable` while a supervisor runs this folder: two servers of one store would damage it.
 */
export function prepareServer(stateDir: string, name: string): boolean {
  const supervisor = runningSupervisor(stateDir);
  if (supervisor !== undefined)
    throw new MeshError(
      "unavailable",
      `adaos up (process ${supervisor.pid}) runs the servers of ${stateDir}; stop it with adaos down`,
    );
  const server = readLayout(stateDir).servers.find((one) => one.name === name);
  if (server === undefined)
    throw new MeshError("usage", `no server ${name} in ${stateDir}; run adaos install systemd again`);
  return mendServerConfig(server.configFile);
}
