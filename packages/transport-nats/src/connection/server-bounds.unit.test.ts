import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { connect } from "nats";
import { Parser } from "nats/lib/nats-base-client/parser.js";
import { afterEach, expect, test } from "vitest";
import { mendClient } from "./client-mends.ts";
import { MAX_MESSAGE_BYTES } from "./server-bounds.ts";

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** A server that speaks just enough of the protocol, and tells what it likes. Resolves with its port. */
async function lyingServer(info: object): Promise<number> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write(`INFO ${JSON.stringify({ server_id: "X", version: "2.15.1", headers: true, ...info })}\r\n`);
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test.each([1, 0, -5, "many", null])(
  "a server that tells a largest message of %s ends no process",
  async (max) => {
    mendClient();
    const port = await lyingServer({ max_payload: max });
    const nc = await connect({ port, reconnect: false });
    expect(() => nc.publish("a", "a request for messages")).not.toThrow();
    await nc.close();
  },
);

test("a server that announces a message of gigabytes is heard no further", () => {
  mendClient();
  const parser = new Parser({ push: () => undefined });
  const announce = (head: string) => () => parser.parse(new TextEncoder().encode(head));
  expect(announce(`MSG a 1 ${MAX_MESSAGE_BYTES + 1}\r\n`)).toThrow("announces a message of 67108865 bytes");
  const other = new Parser({ push: () => undefined });
  expect(() => other.parse(new TextEncoder().encode(`HMSG a 1 12 ${MAX_MESSAGE_BYTES + 1}\r\n`))).toThrow(
    "announces a message",
  );
});
