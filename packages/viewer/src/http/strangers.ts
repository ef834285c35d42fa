import type { Server } from "node:http";
import type { Socket } from "node:net";

type Peer = Pick<Socket, "remoteAddress" | "remotePort">;

/**
 * Connections that have shown no token yet. When there are too many, the oldest is closed for a new one: whoever opens
 * more and more of them ends his own, and not those of others.
 */
export class Strangers {
  readonly #sockets = new Map<string, Socket>();

  constructor(server: Pick<Server, "on">, most: number) {
    server.on("connection", (socket: Socket) => {
      const key = keyOf(socket);
      this.#sockets.set(key, socket);
      socket.once("close", () => {
        if (this.#sockets.get(key) === socket) this.#sockets.delete(key);
      });
      const [oldest] = this.#sockets;
      if (oldest === undefined || this.#sockets.size <= most) return;
      this.#sockets.delete(oldest[0]);
      oldest[1].destroy();
    });
  }

  /** A request of this connection had a good token. */
  known(peer: Peer): void {
    this.#sockets.delete(keyOf(peer));
  }
}

/** With TLS a request has another socket than its connection, but the same other end. */
function keyOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
