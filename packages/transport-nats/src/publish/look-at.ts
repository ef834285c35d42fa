import type { NatsConnection } from "nats";
import { serverHeader } from "../connection/message-headers.ts";

/** A message as its stream tells of it. */
export interface Lying {
  readonly subject: string;
  /** By which the server knows it again. */
  readonly id: string;
}

const ANSWER_MS = 2000;

/** What lies at a place of a stream. `unknown`: the stream does not tell. Never rejects. */
export async function lookAt(
  nc: NatsConnection,
  stream: string,
  seq: number,
): Promise<Lying | "gone" | "unknown"> {
  try {
    const query = JSON.stringify({ seq });
    const answer = await nc.request(`$JS.API.DIRECT.GET.${stream}`, query, { timeout: ANSWER_MS });
    const { headers } = answer;
    if (headers?.code === 404) return "gone";
    if (headers === undefined || headers.code !== 0) return "unknown";
    return { subject: serverHeader(answer, "Nats-Subject"), id: headers.get("Nats-Msg-Id") };
  } catch {
    return "unknown";
  }
}
