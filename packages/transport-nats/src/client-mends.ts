import { NodeTransport } from "nats/lib/src/node_transport.js";
import { assertCertificate } from "./tls.ts";

let mended = false;

/**
 * Mends faults of the client library (nats 2.29.3), most of which show when a server hangs without closing its connections.
 *
 * An attempt to connect that is given up before the server has said a word is not closed. When the server goes on, it
 * speaks there too, hears nothing, and hangs up; the library takes that for the loss of its connection, makes another
 * beside the one it has, and reads both into one parser, which tears messages apart.
 *
 * A server that asks for a certificate is told from one that does not answer.
 *
 * A connection found to be stale is closed only after what is buffered has been sent, which a server that hangs does
 * not let happen: the library stays with it for as long as it hangs.
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
}
