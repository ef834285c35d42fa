import { Agent, request } from "node:http";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type NodeStatus, startStatusServer } from "./status-server.ts";

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
    expect([response.status, await response.json()]).toEqual([200, STATUS]);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("answers /readyz with 200 when ready and 503 when not", async () => {
    expect((await ask("/readyz")).status).toBe(200);
    status = () => ({ ...STATUS, ready: false });
    const response = await ask("/readyz");
    expect([response.status, await response.json()]).toEqual([503, { ready: false }]);
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

  test.each(["POST", "PUT", "DELETE"])("answers %s with 405", async (method) => {
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
