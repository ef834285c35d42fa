import { statfs } from "node:fs/promises";
import { askStreams, askVarz, locateNatsServer } from "@adaos/nats-server";
import type { Layout, ServerLayout } from "@adaos/provision";
import { askHealth, programsOf } from "@adaos/supervise";
import { SystemConnections } from "../system-connections.ts";
import { formatsOnDisk } from "./formats-on-disk.ts";
import type { UpgradeFacts } from "./plan-upgrade.ts";

/** The time limit of a server's answer. */
const ANSWER_MS = 2000;

/**
 * Asks the processes of this machine, and looks at its files and disk; changes nothing. What does not run or answer
 * causes no rejection. Rejects with `invalid-config` for a state folder that is not safe, or an `ADAOS_NATS_SERVER`
 * that is unsuitable.
 */
export async function gatherUpgrade(layout: Layout, stateDir: string): Promise<UpgradeFacts> {
  const systems = new SystemConnections("adaos upgrade");
  try {
    const [health, asked, located, disk] = await Promise.all([
      askHealth(layout, stateDir),
      Promise.all(layout.servers.map((server) => askOne(server, systems))),
      locateNatsServer(),
      statfs(stateDir),
    ]);
    return {
      nodes: programsOf(health),
      formats: formatsOnDisk(layout, stateDir),
      streams: asked.flatMap(({ streams }) => streams),
      servers: asked.map(({ name, version }) => ({ name, version })),
      natsServer: located.found?.version,
      nodeVersion: process.versions.node,
      freeBytes: disk.bavail * disk.bsize,
      stateDir,
    };
  } finally {
    await systems.close();
  }
}

async function askOne(
  server: ServerLayout,
  systems: SystemConnections,
): Promise<UpgradeFacts["servers"][number] & Pick<UpgradeFacts, "streams">> {
  try {
    const { nc } = await systems.of(server);
    const [{ version }, streams] = await Promise.all([askVarz(nc, ANSWER_MS), askStreams(nc, ANSWER_MS)]);
    return {
      name: server.name,
      version,
      streams: streams.map(({ name, config }) => ({ at: server.of, name, metadata: config?.metadata })),
    };
  } catch {
    // The plan says that it does not answer.
    return { name: server.name, version: undefined, streams: [] };
  }
}
