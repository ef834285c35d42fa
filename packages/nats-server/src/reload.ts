import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";

const ANSWER_MS = 3000;

/**
 * Makes the server that this system-account connection leads to read its config again. Live connections stay; new
 * rights hold from then on. Rejects with `unavailable`, or `invalid-config` with what the server says of its file.
 */
export async function reloadServer(system: NatsConnection): Promise<void> {
  const { id } = await ask<{ id: string }>(system, "$SYS.REQ.SERVER.PING.IDZ");
  const { error } = await ask<{ error?: { description?: string } }>(system, `$SYS.REQ.SERVER.${id}.RELOAD`);
  if (error === undefined) return;
  throw new MeshError(
    "invalid-config",
    `nats-server did not take its new config: ${error.description ?? "no reason given"}`,
  );
}

async function ask<T>(system: NatsConnection, subject: string): Promise<T> {
  try {
    return (await system.request(subject, undefined, { timeout: ANSWER_MS })).json<T>();
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", "nats-server does not answer on its system account");
  }
}
