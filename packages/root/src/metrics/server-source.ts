import { type Figure, figureFamilies } from "@adaos/core/wire";
import type { MetricSource } from "@adaos/daemon";
import {
  askServerFigures,
  downlinkLags,
  lagFigures,
  type StoredMsFrom,
  streamFigures,
} from "@adaos/nats-server";
import { type Connection, storedMsFrom } from "@adaos/transport-nats";

/** Metrics of the server beside the root: the server, its stream, and the lag of each downlink. */
export function serverSource(
  subnets: () => readonly string[],
  connection: Connection,
  system: Connection,
): MetricSource {
  return {
    name: "server",
    read: async () => figureFamilies(await readServerFigures(subnets, connection, system)),
  };
}

/** The same values as figures. Rejects with `unavailable` or `timeout`. */
export async function readServerFigures(
  subnets: () => readonly string[],
  connection: Connection,
  system: Connection,
): Promise<readonly Figure[]> {
  const storedMs: StoredMsFrom = (...at) => storedMsFrom(connection, ...at);
  const { figures, streams } = await askServerFigures(system.nc);
  return [
    ...figures,
    ...streamFigures(streams, Date.now()),
    ...(await lagFigures(downlinkLags(subnets(), streams), storedMs)),
  ];
}
