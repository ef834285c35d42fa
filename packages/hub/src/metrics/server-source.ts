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
  /** As they are now. */
  readonly members: () => readonly string[];
  readonly connection: Connection;
  readonly system: Connection;
}

/** The server beside a hub: what it says of itself, its streams and durables, and how far the uplink lags. */
export function serverSource(options: ServerSourceOptions): MetricSource {
  return { name: "server", read: async () => figureFamilies(await readServerFigures(options)) };
}

/** The same as figures. Rejects with `unavailable` or `timeout`. */
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
