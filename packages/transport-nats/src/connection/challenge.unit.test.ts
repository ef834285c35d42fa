import { createServer, type Socket } from "node:net";
import { nkeys } from "nats";
import { afterEach, describe, expect, test } from "vitest";
import { openConnection } from "./connection.ts";

const silent = (): void => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const key = nkeys.createUser();
const seed = new TextDecoder().decode(key.getSeed());

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** The signature that a client sends to a server with this challenge. */
async function signatureOf(challenge: string): Promise<Buffer> {
  const info = { server_id: "S", version: "2.15.1", proto: 1, headers: true, max_payload: 1024 };
  const sockets: Socket[] = [];
  const sent = new Promise<string>((resolve) => {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", silent);
      socket.write(`INFO ${JSON.stringify({ ...info, auth_required: true, nonce: challenge })}\r\n`);
      socket.on("data", (data) => {
        const [, connect] = /CONNECT (.*)\r\n/.exec(data.toString()) ?? [];
        if (connect !== undefined) resolve((JSON.parse(connect) as { sig?: string }).sig ?? "");
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      const opening = openConnection({ url: `nats://127.0.0.1:${port}`, name: "n", user: "u", seed, log });
      // The server never answers, and is gone at the end of the test.
      opening.then(silent, silent);
    });
    closing.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  });
  return Buffer.from(await sent, "base64url");
}

describe("challengeSigner()", () => {
  test("signs the challenge of a nats-server", async () => {
    const challenge = "jfi5x7NRVV-_w4A";
    expect(key.verify(Buffer.from(challenge), await signatureOf(challenge))).toBe(true);
  });

  test.each([
    JSON.stringify({ op: "join", nonce: "0123456789abcdef", keys: {} }),
    '{"op":"done"}',
    "a b",
    "абв",
  ])("signs no request that a server would have signed: %s", async (request) => {
    expect(await signatureOf(request)).toHaveLength(0);
  });
});

test("a key that is replaced by hand is followed, also when it is missing for a moment", async () => {
  const users: string[] = [];
  const info = {
    server_id: "S",
    version: "2.15.1",
    proto: 1,
    headers: true,
    max_payload: 1024,
    nonce: "abc",
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", silent);
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => {
      const [, connect] = /CONNECT (.*)\r\n/.exec(data.toString()) ?? [];
      if (connect !== undefined) users.push((JSON.parse(connect) as { nkey: string }).nkey);
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const other = nkeys.createUser();
  let file: string | undefined = seed;
  const read = (): string => {
    if (file === undefined) throw new Error("there is no key file");
    return file;
  };
  const opened = await openConnection({
    url: `nats://127.0.0.1:${port}`,
    name: "n",
    user: "u",
    seed: read,
    log,
  });
  closing.push(() => {
    void opened.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  // Gone, emptied, half written, and then whole.
  for (const next of [undefined, "", seed.slice(0, 20), new TextDecoder().decode(other.getSeed())]) {
    file = next;
    const times = users.length;
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => users.length, { timeout: 5000 }).toBeGreaterThan(times);
  }
  const ours = key.getPublicKey();
  expect(users).toEqual([ours, ours, ours, ours, other.getPublicKey()]);
});
