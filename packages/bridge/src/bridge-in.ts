import type { Bus } from "@adaos/client";
import { type ForeignServer, streamOf } from "./foreign-server.ts";
import { fromStream } from "./from-stream.ts";
import { fromSubject } from "./from-subject.ts";
import type { BridgeInOptions, BridgeRun } from "./into-mesh.ts";

/**
 * Publishes the messages of a foreign server's subject into the mesh, one after the other. Where a stream stores
 * the subject, it reads them by a durable, and acknowledges each message once the mesh (or this member's outbox)
 * has stored it. Otherwise delivery is at most once.
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
