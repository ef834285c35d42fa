import type { NatsConnection } from "nats";
import { askServer } from "./ask-system.ts";

interface Healthz {
  readonly data?: { readonly status?: string; readonly status_code?: number; readonly error?: string };
}

/**
 * The fault of the server behind this system-account connection; undefined while it is healthy. Rejects with
 * `unavailable`. Servers have no HTTP monitor: that would show connections and subscriptions to any process of the
 * machine.
 */
export async function serverProblem(system: NatsConnection, answerMs: number): Promise<string | undefined> {
  const { data } = await askServer<Healthz>(system, "HEALTHZ", undefined, answerMs);
  if (data?.status_code === 200) return undefined;
  return data?.error ?? data?.status ?? "not healthy";
}

/**
 * Whether the reported fault means that the server accepts no writes until a restart. When its disk is full once,
 * nats-server 2.15.1 stops writing to a stream, or closes JetStream, and does not check again. Pure.
 */
export function refusesWrites(problem: string): boolean {
  return /\bwrite error\b|^jetstream not enabled\b/i.test(problem);
}
