import { MeshError } from "@adaos/core";
import type { NatsConnection } from "nats";
import { serverHeader } from "../connection/message-headers.ts";

/** A message as its stream tells of it. */
interface Lying {
  readonly subject: string;
  /** By which the server knows it again. */
  readonly id: string;
}

const ANSWER_MS = 2000;

/** What lies at a place of a stream. `unknown`: the stream does not tell. Never rejects. */
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
 * Nothing where what the server takes for a repetition of a message is one. Else why it is not known to be stored, and
 * whether another message has its id: then it has to be sent under another.
 */
export async function problemOfDuplicate(
  nc: NatsConnection,
  message: Lying,
  { stream, seq }: { readonly stream: string; readonly seq: number },
): Promise<{ readonly error: MeshError; readonly isIdTaken: boolean } | undefined> {
  const found = await lookAt(nc, stream, seq);
  if (found === "unknown") {
    const what = `not known to be stored: ${stream} does not tell what it holds at ${seq}`;
    return { error: new MeshError("timeout", what), isIdTaken: false };
  }
  // Gone since: it was stored, and whoever may has removed it.
  if (found === "gone" || (found.subject === message.subject && found.id === message.id)) return undefined;
  const what = `${found.subject} has the id of a message to ${message.subject}`;
  return { error: new MeshError("unavailable", what), isIdTaken: true };
}
