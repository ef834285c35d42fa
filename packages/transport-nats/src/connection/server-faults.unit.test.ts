import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { nkeys } from "nats";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { type Connection, openConnection } from "./connection.ts";
import { excerpt, isServerFault, ServerFaults, serverFault } from "./server-faults.ts";

const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
const INFO = `INFO ${JSON.stringify({ server_id: "X", version: "2.15.1", headers: true, max_payload: 1_048_576 })}\r\n`;
/** Far more than a client may keep, and little enough to send in a moment where nothing bounds it. */
const FLOOD_BYTES = 64_000_000;
const CHUNK = 65_536;

let server: Server | undefined;
let opened: Connection | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  await opened?.close();
  opened = undefined;
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

/** Bytes that the client took of a flood, and whether it hung up before the end. */
interface Flood {
  attempts: number;
  closed: boolean;
  taken: number;
}

type Lie = (socket: Socket, flood: Flood) => void;

/** A server that answers a client as it should until `lie`, called at the first ping or at once. */
async function lyingServer(
  lie: Lie,
  when: "at once" | "at the first ping" | "in place of the first answer",
): Promise<{ url: string; flood: Flood }> {
  const flood: Flood = { attempts: 0, closed: false, taken: 0 };
  server = createServer((socket) => {
    sockets.add(socket);
    flood.attempts++;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      flood.closed = true;
    });
    if (when === "at once") return lie(socket, flood);
    socket.write(INFO);
    socket.on("data", (data) => {
      if (!data.includes("PING")) return;
      if (when === "at the first ping") socket.write("PONG\r\n");
      socket.removeAllListeners("data");
      lie(socket, flood);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, flood };
}

/** Sends the same bytes again and again, as fast as the client takes them. */
function pour(head: string, bytes: string): Lie {
  return (socket, flood) => {
    const chunk = Buffer.from(bytes.repeat(Math.ceil(CHUNK / bytes.length)));
    const next = (): void => {
      if (socket.destroyed || flood.taken > FLOOD_BYTES) return;
      socket.write(chunk, (error) => {
        if (error) return;
        flood.taken += chunk.length;
        next();
      });
    };
    socket.write(head);
    next();
  };
}

/** Collects, while a test runs, the errors that would end a process. */
function unheardErrors(): readonly unknown[] {
  const unheard: unknown[] = [];
  const hear = (error: unknown): unknown => unheard.push(error);
  process.on("uncaughtException", hear);
  onTestFinished(() => void process.off("uncaughtException", hear));
  return unheard;
}

const lines: string[] = [];
const note = (fields: object): unknown => lines.push(String((fields as { err?: Error }).err?.message ?? ""));
const log = { debug: note, info: note, warn: note, error: note };

function open(url: string): Promise<Connection> {
  return openConnection({ url, name: "test", user: "test", seed, log, timeoutMs: 3000 });
}

test.each([
  ["a first line without end", pour("INFO ", "x")],
  ["garbage without end", pour("", "\u0000\u0001")],
  ["garbage in lines", pour("", "HTTP/1.1 400 Bad Request\r\n")],
])("a server that sends %s is left at once", async (_, lie) => {
  const { url, flood } = await lyingServer(lie, "at once");
  const startedMs = performance.now();
  const refused = await open(url).catch((thrown: unknown) => thrown);
  expect(isServerFault(refused)).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  await expect.poll(() => flood.closed).toBe(true);
  expect(flood.taken).toBeLessThan(8_000_000);
});

test.each([
  ["a line that never ends", pour("-ERR ", "x"), "a line of more than 65536 bytes"],
  ["an INFO that never ends", pour("INFO {", "x"), "a line of more than 65536 bytes"],
  ["the head of a message that never ends", pour("MSG ", "x"), "a line of more than 65536 bytes"],
  ["what is no protocol", pour("", "@"), "what is no protocol line"],
  ["an INFO that is no JSON", pour("INFO x\r\n", " "), "an INFO that cannot be read"],
  ["pings, and reads no answers", pour("", "PING\r\n"), "pings and does not read the answers"],
])("a server that sends %s is left, and the next attempt waits", async (_, lie, why) => {
  const { url, flood } = await lyingServer((socket, state) => {
    socket.pause();
    lie(socket, state);
  }, "at the first ping");
  const startedMs = performance.now();
  opened = await open(url);
  await expect.poll(() => opened?.fault).toContain(why);
  await expect.poll(() => flood.closed).toBe(true);
  expect(flood.taken).toBeLessThan(16_000_000);
  expect(flood.attempts).toBeLessThanOrEqual(1 + (performance.now() - startedMs) / 1000);
  expect(lines.some((line) => line.includes(why))).toBe(true);
});

test("a server that lies in the very answer that makes a connection is dialled again", async () => {
  const { url, flood } = await lyingServer((socket) => socket.write("@"), "at the first ping");
  opened = await open(url);
  await expect.poll(() => flood.attempts, { timeout: 6000 }).toBe(2);
});

test.each([
  ["garbage", "@garbage\r\n"],
  ["pings without end", "PING\r\n".repeat(2000)],
  ["a long line", `-ERR ${"x".repeat(100_000)}`],
  ["the head of no message", "MSG a b c d\r\n"],
])(
  "a server that sends %s in place of its first answer ends the attempt, and not this process",
  async (_, text) => {
    const unheard = unheardErrors();
    const { url, flood } = await lyingServer((socket) => socket.write(text), "in place of the first answer");
    await expect(open(url)).rejects.toThrow();
    await expect.poll(() => flood.closed).toBe(true);
    expect(unheard).toEqual([]);
  },
);

test("an INFO of more than 64 KiB in two frames ends the attempt, and not this process", async () => {
  const unheard = unheardErrors();
  const info = INFO.replace("{", `{"pad":"${"x".repeat(100_000)}",`);
  const { url, flood } = await lyingServer((socket) => {
    socket.setNoDelay(true);
    socket.write(info.slice(0, 60_000), () => setTimeout(() => socket.write(info.slice(60_000)), 50));
  }, "at once");
  await expect(open(url)).rejects.toThrow("a line of more than 65536 bytes");
  await expect.poll(() => flood.closed).toBe(true);
  expect(unheard).toEqual([]);
});

test("a full server that says so before TLS is no server that lies", async () => {
  const info = INFO.replace("{", '{"tls_required":true,');
  const { url } = await lyingServer(
    (socket) => socket.write(`${info}-ERR 'maximum connections exceeded'\r\n`),
    "at once",
  );
  const refused = await open(url).catch((thrown: unknown) => thrown);
  expect(isServerFault(refused)).toBe(false);
  expect(String(refused)).toContain("maximum connections exceeded");
});

test("a server that puts something between its INFO and TLS is refused", async () => {
  const info = INFO.replace("{", '{"tls_required":true,');
  const { url } = await lyingServer((socket) => socket.write(`${info}MSG a 1 2\r\nhi\r\n`), "at once");
  await expect(open(url)).rejects.toThrow("sends something between its INFO and TLS");
});

test("the pause before a lying server is dialled again grows to 30 s, and is forgotten", () => {
  const faults = new ServerFaults();
  expect(faults.pauseMs(0)).toBe(0);
  const pauses = [1, 2, 3, 4, 5, 6, 7].map((at) => {
    faults.note(serverFault("lies"), at);
    return faults.pauseMs(at);
  });
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(faults.recent(60_000)).toContain("the server lies");
  expect(faults.recent(60_008)).toBeUndefined();
  expect(faults.pauseMs(300_008)).toBe(0);
});

test("an excerpt of what a server sent is short, and holds no control characters", () => {
  expect(excerpt(`a\u001b[2J\r\n${"x".repeat(300)}`)).toMatch(/^a\?\[2J\?x{94}\.\.\.$/);
});
