import type { Bus } from "@adaos/client";
import { type ForeignServer, streamOf } from "./foreign-server.ts";
import { fromStream } from "./from-stream.ts";
import { fromSubject } from "./from-subject.ts";
import type { BridgeInOptions, BridgeRun } from "./into-mesh.ts";

/**
 * Publishes what comes on a subject of a foreign server into the mesh, one after the other. Where a stream holds it, by
 * a durable of that stream, acknowledged once the mesh (or this member's outbox) has stored it; else at most once.
 */
export async function bridgeIn(
  bus: Bus,
  foreign: ForeignServer,
  options: BridgeInOptions,
): Promise<BridgeRun> {
  const stream = await streamOf(foreign, options.subject);
  if (stream !== undefined) return fromStream(bus, foreign, stream, options);
  options.say(
    `no stream of the server holds ${options.subject}: at most once, what is sent while this does not run is lost`,
  );
  return fromSubject(bus, foreign, options);
}
