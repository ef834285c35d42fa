import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";

const ANSWER_MS = 3000;

/** Asks the server through a connection of its system account. Rejects with `unavailable`. */
export async function askSystem<T>(
  system: NatsConnection,
  subject: string,
  body?: object,
  answerMs: number = ANSWER_MS,
): Promise<T> {
  try {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return (await system.request(subject, payload, { timeout: answerMs })).json<T>();
  } catch (cause) {
    throw MeshError.from(cause, "unavailable", "nats-server does not answer on its system account");
  }
}

/** As {@link askSystem}, for requests that need the server's id: `RELOAD`, `LEAFZ`, `KICK`. */
export async function askServer<T>(system: NatsConnection, what: string, body?: object): Promise<T> {
  const { id } = await askSystem<{ id: string }>(system, "$SYS.REQ.SERVER.PING.IDZ");
  return askSystem<T>(system, `$SYS.REQ.SERVER.${id}.${what}`, body);
}
