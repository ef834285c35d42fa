import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { serverHeader } from "../connection/message-headers.ts";

/** A stored message as its stream reports it. */
interface Lying {
  readonly subject: string;
  /** The id by which the server recognises it. */
  readonly id: string;
}

const ANSWER_MS = 2000;

/** The message at a place of a stream. `unknown`: the stream does not answer. Never rejects. */
async function lookAt(nc: NatsConnection, stream: string, seq: number): Promise<Lying | "gone" | "unknown"> {
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

/**
 * Checks a publish that the server calls a duplicate. Undefined when the same message is stored. Otherwise says why it
 * is not known to be stored, and whether another message has its id. In that case the caller has to send it under
 * another id.
 */
export async function problemOfDuplicate(
  nc: NatsConnection,
  message: Lying,
  { stream, seq }: { readonly stream: string; readonly seq: number },
): Promise<{ readonly error: MeshError; readonly isIdTaken: boolean } | undefined> {
  const found = await lookAt(nc, stream, seq);
  if (found === "unknown") {
    const what = `not known to be stored: ${stream} does not say what it holds at ${seq}`;
    return { error: new MeshError("timeout", what), isIdTaken: false };
  }
  // Gone since: the message was stored, and somebody with the right to has removed it.
  if (found === "gone" || (found.subject === message.subject && found.id === message.id)) return undefined;
  const what = `${found.subject} has the id of a message to ${message.subject}`;
  return { error: new MeshError("unavailable", what), isIdTaken: true };
}
