import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";

const ANSWER_MS = 3000;

/** Asks through a connection of the system account. Rejects with `unavailable`. */
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

/**
 * Asks the server that this connection leads to, by its id: a question to any server is answered by every server of a
 * cluster. Rejects with `unavailable`.
 */
export function askServer<T>(
  system: NatsConnection,
  what: string,
  body?: object,
  answerMs?: number,
): Promise<T> {
  const id = system.info?.server_id;
  if (id === undefined)
    return Promise.reject(new MeshError("unavailable", "the connection to nats-server is not there yet"));
  return askSystem<T>(system, `$SYS.REQ.SERVER.${id}.${what}`, body, answerMs);
}
