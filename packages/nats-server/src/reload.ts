import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";

/**
 * Makes the server that this system-account connection leads to read its config again. Live connections stay; new
 * rights hold from then on. Rejects with `unavailable`, or `invalid-config` with what the server says of its file.
 */
export async function reloadServer(system: NatsConnection): Promise<void> {
  const { error } = await askServer<{ error?: { description?: string } }>(system, "RELOAD");
  if (error === undefined) return;
  throw new MeshError(
    "invalid-config",
    `nats-server did not take its new config: ${error.description ?? "no reason given"}`,
  );
}
