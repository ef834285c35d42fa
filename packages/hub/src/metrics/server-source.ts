import { type Figure, figureFamilies } from "@adaos/core/wire";
import type { MetricSource } from "@adaos/daemon";
import {
  askServerFigures,
  lagFigures,
  type StoredMsFrom,
  streamFigures,
  subnetFigures,
  uplinkLags,
} from "@adaos/nats-server";
import { type Connection, storedMsFrom } from "@adaos/transport-nats";

export interface ServerSourceOptions {
  readonly subnet: string;
  /** The current members. */
  readonly members: () => readonly string[];
  readonly connection: Connection;
  readonly system: Connection;
}

/** Metrics of the server beside a hub: the server, its streams and durables, and the lag of the uplink. */
export function serverSource(options: ServerSourceOptions): MetricSource {
  return { name: "server", read: async () => figureFamilies(await readServerFigures(options)) };
}

/** The same values as figures. Rejects with `unavailable` or `timeout`. */
export async function readServerFigures({
  subnet,
  members,
  connection,
  system,
}: ServerSourceOptions): Promise<readonly Figure[]> {
  const storedMs: StoredMsFrom = (...at) => storedMsFrom(connection, ...at);
  const { figures, streams } = await askServerFigures(system.nc);
  return [
    ...figures,
    ...streamFigures(streams, Date.now()),
    ...subnetFigures(subnet, members(), streams),
    ...(await lagFigures(uplinkLags(subnet, streams), storedMs)),
  ];
}
