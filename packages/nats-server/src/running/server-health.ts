import type { NatsConnection } from "nats";
import { askSystem } from "./ask-system.ts";

interface Healthz {
  readonly data?: { readonly status?: string; readonly status_code?: number; readonly error?: string };
}

/**
 * What is wrong with the server that this system-account connection leads to; nothing while it is well. Rejects with
 * `unavailable`. Servers have no HTTP monitor: that tells any process of the machine who is connected and listens to
 * what.
 */
export async function serverProblem(system: NatsConnection, answerMs: number): Promise<string | undefined> {
  const { data } = await askSystem<Healthz>(system, "$SYS.REQ.SERVER.PING.HEALTHZ", undefined, answerMs);
  if (data?.status_code === 200) return undefined;
  return data?.error ?? data?.status ?? "not healthy";
}

/**
 * Whether a server that says this of itself takes no writes until it is started again: nats-server 2.15.1 stops writing
 * to a stream, or closes JetStream, when its disk is full once, and does not look again. Pure.
 */
export function refusesWrites(problem: string): boolean {
  return /\bwrite error\b|^jetstream not enabled\b/i.test(problem);
}
