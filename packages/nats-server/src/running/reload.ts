import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";

/**
 * A config with a thousand subnets takes seconds on a busy machine. A daemon that gave up sooner would have it read
 * again, and again without an end.
 */
const RELOAD_MS = 30_000;

/**
 * Makes the server that this system-account connection leads to read its config again. Live connections stay; new
 * rights apply from then on. Rejects with `unavailable`, or `invalid-config` with the server's message about its file.
 */
export async function reloadServer(system: NatsConnection): Promise<void> {
  const before = new Set(await accountsOf(system));
  await readAgain(system);
  // Imports of an account that a reload adds do not work: nats-server 2.15.1 opens them at the next reload.
  if ((await accountsOf(system)).some((account) => !before.has(account))) await readAgain(system);
}

async function readAgain(system: NatsConnection): Promise<void> {
  const { error } = await askServer<{ error?: { description?: string } }>(
    system,
    "RELOAD",
    undefined,
    RELOAD_MS,
  );
  if (error === undefined) return;
  throw new MeshError(
    "invalid-config",
    `nats-server did not take its new config: ${error.description ?? "no reason given"}`,
  );
}

async function accountsOf(system: NatsConnection): Promise<readonly string[]> {
  const { data } = await askServer<{ data?: { accounts?: readonly string[] } }>(system, "ACCOUNTZ");
  return data?.accounts ?? [];
}
