import type { NatsConnection } from "nats";
import type { NatsConnectionImpl } from "nats/lib/nats-base-client/nats.js";
import { toSend } from "./header-block.ts";

/** One publish as it goes over the wire. */
export interface RawPublish {
  readonly subject: string;
  /** Nothing: no answer is wanted. */
  readonly reply?: string | undefined;
  /** As `headerBlock` writes them, without the empty line that ends them. */
  readonly headers: string;
  readonly body: Uint8Array;
}

/**
 * Sends publishes one after the other, as one buffer: by the client's own `publish` each would cost five (nats 2.29.3).
 * Subjects and headers must have been checked, and sizes too; the connection must be open.
 */
export function publishAll(nc: NatsConnection, publishes: readonly RawPublish[]): void {
  const { protocol } = nc as NatsConnection & Partial<Pick<NatsConnectionImpl, "protocol">>;
  if (protocol !== undefined) return protocol.sendCommand(encodePublishes(publishes));
  for (const { subject, reply, headers, body } of publishes)
    nc.publish(subject, body, { headers: toSend(headers), ...(reply === undefined ? {} : { reply }) });
}

/** Pure. */
export function encodePublishes(publishes: readonly RawPublish[]): Buffer {
  const heads = publishes.map(headOf);
  let size = 0;
  for (const [i, { body }] of publishes.entries()) size += (heads[i]?.length ?? 0) + body.length + 2;
  // Not of the pool: the client holds it until the socket has taken it.
  const buffer = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const [i, { body }] of publishes.entries()) {
    at += buffer.write(heads[i] ?? "", at, "latin1");
    buffer.set(body, at);
    at += body.length;
    buffer[at++] = 0x0d;
    buffer[at++] = 0x0a;
  }
  return buffer;
}

/** All before the body; what is checked is ASCII, so that it has as many bytes as characters. */
function headOf({ subject, reply, headers, body }: RawPublish): string {
  const headBytes = headers.length + 2;
  const to = reply === undefined ? subject : `${subject} ${reply}`;
  return `HPUB ${to} ${headBytes} ${headBytes + body.length}\r\n${headers}\r\n`;
}
