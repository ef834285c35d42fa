import { Agent, request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { OWN_PROGRAM } from "@adaos/core/wire";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOwnHost, type NodeStatus, startStatusServer } from "./status-server.ts";

const HOST = "127.0.0.1";
const STATUS: NodeStatus = {
  node: "alpha/hub",
  role: "hub",
  pid: 7,
  startedAt: "2025-09-23T16:20:00.000Z",
  ready: true,
  parts: { stream: { ready: true, details: { messages: 3 } } },
};

describe("startStatusServer()", () => {
  let status: () => NodeStatus;
  let server: Awaited<ReturnType<typeof startStatusServer>>;
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://${HOST}:${server.port}${path}`, init);

  beforeEach(async () => {
    status = () => STATUS;
    server = await startStatusServer({ host: HOST, port: 0 }, () => status());
  });
  afterEach(async () => {
    await server.stop();
  });

  test("takes a free port and tells which", () => {
    expect(server.port).toBeGreaterThan(0);
  });

  test("answers /status with all of it, as JSON that nobody keeps", async () => {
    const response = await ask("/status");
    expect([response.status, await response.json()]).toEqual([200, { ...STATUS, ...OWN_PROGRAM }]);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("answers the metrics of the backend before this one under their old paths", async () => {
    const use = (await (await ask("/api/system/metrics")).json()) as { memory: { rss_bytes: number } };
    expect(use).toMatchObject({ node: "alpha/hub", ready: true, parts: { stream: true } });
    expect(use.memory.rss_bytes).toBeGreaterThan(1_000_000);
    const summary = async () => (await ask("/api/metrics/v0_1/summary")).json();
    const errors = [{ file: "x", message: "is broken", remedy: "mend it" }];
    status = () => ({ ...STATUS, ready: false, parts: { config: { ready: false, details: { errors } } } });
    expect(await summary()).toEqual({
      version: "v0_1",
      node: "alpha/hub",
      ready: false,
      stuck: [],
      config: { errors },
    });
    const recovery = { count: 2, mean_ms: 3100, max_ms: 4000 };
    const watchdog = { ready: true, details: { restarts: 2, recovery, alerts: [{}], droppedLines: 3 } };
    status = () => ({ ...STATUS, node: "supervisor", parts: { watchdog } });
    expect(await summary()).toMatchObject({
      node: "supervisor",
      restarts: 2,
      recovery,
      lost_log_lines: 3,
      manual_interventions: 1,
    });
  });

  test("answers /readyz with 200 when ready and 503 when not", async () => {
    expect((await ask("/readyz")).status).toBe(200);
    status = () => ({ ...STATUS, ready: false });
    const response = await ask("/readyz");
    expect([response.status, await response.json()]).toEqual([503, { ready: false }]);
  });

  test("serves while it waits only for other machines, and tells what of its own does not", async () => {
    const far = { ready: false, reason: "source: beta does not answer", isFar: true } as const;
    status = () => ({ ...STATUS, ready: false, parts: { stream: { ready: true }, "link up beta": far } });
    expect((await ask("/readyz")).status).toBe(503);
    expect((await ask("/readyz/serves")).status).toBe(200);
    const own = { ready: false, reason: "no connection" };
    status = () => ({ ...STATUS, ready: false, parts: { stream: own, "link up beta": far } });
    const response = await ask("/readyz/serves");
    expect([response.status, await response.json()]).toEqual([
      503,
      { serves: false, reason: "stream: no connection" },
    ]);
  });

  test("answers /healthz with 200 also when not ready, or when the status cannot be told", async () => {
    status = () => ({ ...STATUS, ready: false });
    expect((await ask("/healthz")).status).toBe(200);
    status = () => {
      throw new Error("x");
    };
    expect((await ask("/healthz")).status).toBe(200);
  });

  test("answers with 500, and lives on, when the status cannot be told", async () => {
    status = () => {
      throw new Error("broken part");
    };
    const response = await ask("/status");
    expect([response.status, await response.json()]).toEqual([500, { error: "broken part" }]);
    status = () => STATUS;
    expect((await ask("/readyz")).status).toBe(200);
  });

  test.each(["/", "/status/", "/metrics", "/../etc/passwd", "/status?x"])(
    "answers %s with 404",
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  test("answers HEAD without a body, and lets no page of another site read anything", async () => {
    const response = await ask("/healthz", { method: "HEAD", headers: { origin: "https://site.example" } });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("answers %s with 405", async (method) => {
    expect((await ask("/status", { method })).status).toBe(405);
  });

  test("rejects with unavailable, naming host and port, where somebody else listens", async () => {
    await expect(startStatusServer({ host: HOST, port: server.port }, () => STATUS)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`${HOST}:${server.port}`),
    });
  });

  test("stops though a client has sent half a request", async () => {
    const client = connect(server.port, HOST);
    await new Promise((resolve) => client.once("connect", resolve));
    client.on("error", () => undefined).write("GET /status HTTP/1.1\r\nHost: x");
    await ask("/healthz");
    const startedMs = performance.now();
    await server.stop();
    expect(performance.now() - startedMs).toBeLessThan(3000);
    client.destroy();
  });

  test("stops though a client keeps its connection open, and frees the port", async () => {
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => {
      request({ host: HOST, port: server.port, path: "/status", agent }, (response) => {
        response.resume().once("end", resolve);
      }).end();
    });
    await server.stop();
    agent.destroy();
    const again = createServer();
    await new Promise<void>((resolve, reject) => {
      again.once("error", reject).listen(server.port, HOST, resolve);
    });
    await new Promise((resolve) => again.close(resolve));
  });
});

describe("startStatusServer() against hostile clients", () => {
  let server: Awaited<ReturnType<typeof startStatusServer>>;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = await startStatusServer({ host: HOST, port: 0 }, () => STATUS);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  });

  async function open(): Promise<Socket> {
    const socket = connect(server.port, HOST);
    sockets.push(socket);
    socket.on("error", () => undefined).resume();
    await new Promise((resolve) => socket.once("connect", resolve));
    return socket;
  }

  /** All data until the server ends the connection. */
  async function raw(text: string): Promise<string> {
    const socket = await open();
    let got = "";
    socket.on("data", (chunk) => {
      got += String(chunk);
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(text);
    await closed;
    return got;
  }

  async function healthMs(): Promise<number> {
    const startedMs = performance.now();
    const response = await fetch(`http://${HOST}:${server.port}/healthz`);
    expect(response.status).toBe(200);
    await response.text();
    return performance.now() - startedMs;
  }

  test("answers within a second beside 200 idle connections, and ends those", async () => {
    for (let i = 0; i < 200; i++) await open();
    expect(await healthMs()).toBeLessThan(1000);
    const closing = sockets.map((socket) =>
      socket.closed ? undefined : new Promise((resolve) => socket.once("close", resolve)),
    );
    await Promise.all(closing);
  });

  test("answers within a second beside 100 clients that send a byte at a time, and ends those", async () => {
    for (let i = 0; i < 100; i++) await open();
    const text = `GET /healthz HTTP/1.1\r\nHost: ${HOST}:${server.port}\r\nX: ${"x".repeat(1000)}`;
    let sent = 0;
    const timer = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write(text.charAt(sent));
      sent++;
    }, 50);
    try {
      expect(await healthMs()).toBeLessThan(1000);
      await Promise.all(
        sockets.map((socket) =>
          socket.closed ? undefined : new Promise((resolve) => socket.once("close", resolve)),
        ),
      );
    } finally {
      clearInterval(timer);
    }
    expect(sent).toBeLessThan(text.length);
  });

  test("refuses a head that is too long, and reads no body", async () => {
    const head = `Host: ${HOST}:${server.port}\r\n`;
    expect(await raw(`GET /${"x".repeat(9000)} HTTP/1.1\r\n${head}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await raw(`GET /healthz HTTP/1.1\r\n${head}X: ${"x".repeat(9000)}\r\n\r\n`)).toMatch(/ 431 /);
    for (const body of [
      "Content-Length: 1000000000\r\n\r\nx",
      "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    ])
      expect(await raw(`GET /healthz HTTP/1.1\r\n${head}${body}`)).toMatch(
        / 200 (.|\r\n)*connection: close/i,
      );
  });

  test.each(["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "[::1", ""])(
    "answers the host %j with 421 and tells it nothing",
    async (host) => {
      const answer = await raw(`GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 421 /);
      expect(answer).not.toContain("alpha");
    },
  );
});

describe("isOwnHost()", () => {
  test.each([
    ["127.0.0.1:8222", "127.0.0.1", true],
    ["localhost:8222", "127.0.0.1", true],
    ["LOCALHOST:8222", "127.0.0.1", true],
    ["[::1]:8222", "127.0.0.1", true],
    ["node.example:8222", "node.example", true],
    ["node.example:8223", "node.example", false],
    ["evil.example:8222", "127.0.0.1", false],
    ["user@127.0.0.1:8222", "127.0.0.1", false],
    ["10.0.0.7:18222", "0.0.0.0", true],
    ["[fe80::1]:8222", "::", true],
    ["evil.example:8222", "0.0.0.0", false],
    [undefined, "0.0.0.0", false],
  ])("%s at a server of %s: %s", (header, host, expected) => {
    expect(isOwnHost(header, { host, port: 8222 })).toBe(expected);
  });
});
