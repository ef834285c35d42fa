import type { MsgHdrs } from "nats";

/**
 * The headers of a message as text, ready to be sent: the client's own object costs more than the rest of a publish.
 * Names and values must have been checked: printable ASCII, no colon in a name.
 */
export function headerBlock(headers: Readonly<Record<string, string>>): string {
  let block = "NATS/1.0\r\n";
  for (const key in headers) block += `${key}: ${headers[key]}\r\n`;
  return block;
}

/** What the client takes as the headers of a message: of such an object it only asks for the bytes (nats 2.29.3). */
export function toSend(block: string): MsgHdrs {
  const headers: Pick<EncodedHeaders, "encode"> = { encode: () => Buffer.from(`${block}\r\n`, "latin1") };
  return headers as EncodedHeaders;
}

interface EncodedHeaders extends MsgHdrs {
  encode(): Uint8Array;
}
