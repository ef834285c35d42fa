import { MsgHdrsImpl } from "nats";
import { NodeTransport } from "nats/lib/src/node_transport.js";
import { assertCertificate } from "./tls.ts";

let mended = false;

/**
 * Mends faults of the client library (nats 2.29.3): most of them show when a server hangs without closing its
 * connections, and one lets whoever publishes end the connection of whoever reads.
 *
 * An attempt to connect that is given up before the server has said a word is not closed. When the server goes on, it
 * speaks there too, hears nothing, and hangs up; the library takes that for the loss of its connection, makes another
 * beside the one it has, and reads both into one parser, which tears messages apart.
 *
 * A server that asks for a certificate is told from one that does not answer.
 *
 * A connection found to be stale is closed only after what is buffered has been sent, which a server that hangs does
 * not let happen: the library stays with it for as long as it hangs.
 *
 * Servers store headers as they come. One that the library cannot read makes it throw wherever it is looked at, which
 * in the callback of a subscription ends the connection; and again after each reconnect, since the message is still
 * there.
 */
export function mendClient(): void {
  if (mended) return;
  mended = true;
  const { close, peekInfo } = NodeTransport.prototype;
  const givenUp = new WeakSet<NodeTransport>();

  NodeTransport.prototype.close = function (this: NodeTransport, error?: Error): Promise<void> {
    if (this.connected) return close.call(this, error);
    givenUp.add(this);
    this.socket?.destroy();
    return Promise.resolve();
  };

  // The first thing done with a socket that the system has connected, which may be after the attempt was given up.
  NodeTransport.prototype.peekInfo = async function (this: NodeTransport): ReturnType<typeof peekInfo> {
    if (givenUp.has(this)) throw new Error("this attempt to connect was given up");
    const info = await peekInfo.call(this);
    assertCertificate(info, this.options);
    return info;
  };

  NodeTransport.prototype.disconnect = function (this: NodeTransport): void {
    void close.call(this);
  };

  const { decode } = MsgHdrsImpl;
  MsgHdrsImpl.decode = (block: Uint8Array): MsgHdrsImpl => {
    try {
      return decode(block);
    } catch {
      return decode(readableOf(block));
    }
  };
}

/** What a header line may be to the library. */
const READABLE = /^[!-9;-~]+:[^\r\n]*$/;

/** Headers without the lines that are none. */
function readableOf(block: Uint8Array): Uint8Array {
  const [status = "", ...lines] = new TextDecoder().decode(block).split("\r\n");
  return new TextEncoder().encode([status, ...lines.filter((line) => READABLE.test(line))].join("\r\n"));
}
