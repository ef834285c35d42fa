import { MsgHdrsImpl } from "nats";
import { NodeTransport } from "nats/lib/src/node_transport.js";
import { boundServers } from "./server-bounds.ts";
import { assertCertificate } from "./tls.ts";

let mended = false;

/**
 * Mends faults of the client library (nats 2.29.3). Most of them show when a server hangs without closing its
 * connections. One lets a publisher end the connection of a subscriber.
 *
 * The library does not close an attempt to connect that is given up before the server has sent a byte. When the server
 * goes on, it answers there too, hears nothing, and hangs up. The library takes that for the loss of its connection and
 * makes another beside the one it has. It then reads both into one parser, which tears messages apart.
 *
 * The mends distinguish a server that asks for a certificate from one that does not answer.
 *
 * The library closes a stale connection only after it has sent what is buffered. A server that hangs does not let that
 * happen: the library stays with it for as long as it hangs.
 *
 * Servers store headers as they come. The library throws wherever it looks at a header that it cannot read, and in the
 * callback of a subscription that ends the connection. It happens again after each reconnect, since the message is
 * still there.
 */
export function mendClient(): void {
  if (mended) return;
  mended = true;
  boundServers();
  const { close, connect, peekInfo } = NodeTransport.prototype;
  const givenUp = new WeakSet<NodeTransport>();

  NodeTransport.prototype.close = function (this: NodeTransport, error?: Error): Promise<void> {
    if (this.connected) return close.call(this, error);
    givenUp.add(this);
    this.socket?.destroy();
    return Promise.resolve();
  };

  // One name for all servers of a cluster would be wrong for all but one. See dialTls().
  NodeTransport.prototype.connect = function (
    this: NodeTransport,
    ...[server, options]: Parameters<typeof connect>
  ): ReturnType<typeof connect> {
    const { tls } = options;
    if (typeof tls !== "object" || tls === null) return connect.call(this, server, options);
    const host = server.tlsName || server.hostname;
    return connect.call(this, server, { ...options, tls: Object.assign({}, tls, { host }) });
  };

  // The library calls this first with a socket that the system has connected, perhaps after the attempt was given up.
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

/** A header line that the library can read. */
const READABLE = /^[!-9;-~]+:[^\r\n]*$/;

/** The headers without the lines that the library cannot read. */
function readableOf(block: Uint8Array): Uint8Array {
  const [status = "", ...lines] = new TextDecoder().decode(block).split("\r\n");
  return new TextEncoder().encode([status, ...lines.filter((line) => READABLE.test(line))].join("\r\n"));
}
