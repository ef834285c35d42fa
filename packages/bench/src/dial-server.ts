import { readSeed } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { connect, type NatsConnection, nkeyAuthenticator } from "nats";
import type { Place } from "./contender.ts";

/** Connects to a server of the mesh with the key of the daemon beside it, which has all rights there. */
export function dialServer({ servers }: Pick<Place, "servers">, of: string): Promise<NatsConnection> {
  const server = servers[of];
  if (server === undefined) throw new MeshError("internal", `the benchmark's mesh has no server of ${of}`);
  const seed = new TextEncoder().encode(readSeed(server.seedFile));
  return connect({ servers: server.url, authenticator: nkeyAuthenticator(seed) });
}
