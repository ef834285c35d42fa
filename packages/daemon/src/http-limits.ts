import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** Beyond this the oldest connection is closed for a new one, so that idle connections block nobody. */
const MAX_CONNECTIONS = 64;

/** Limits of a request; the size of the head includes the request line. */
export const HTTP_LIMITS: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 2000,
  requestTimeout: 2000,
  keepAliveTimeout: 12_000,
  connectionsCheckingInterval: 500,
};

/** Ends the oldest connection when there are too many. With TLS, connections before the handshake count too. */
export function makeRoom(server: Pick<Server, "on">): void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const [oldest] = sockets;
    if (sockets.size > MAX_CONNECTIONS) oldest?.destroy();
  });
}

export function stopServer(server: Pick<Server, "close" | "closeAllConnections">): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
