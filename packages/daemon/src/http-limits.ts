import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** The oldest makes room for one more, so that idle ones keep nobody out. */
const MAX_CONNECTIONS = 64;

/** A head has the request line in it. */
export const HTTP_LIMITS: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 2000,
  requestTimeout: 2000,
  keepAliveTimeout: 12_000,
  connectionsCheckingInterval: 500,
};

/** Ends the oldest connection when there are too many. Of a server with TLS, those that have not shown theirs too. */
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
