import { createServer, type Server } from "node:http";
import { MeshError, messageOf } from "@adaos/core";
import type { PartHealth } from "./part.ts";

/** What a daemon answers at `/status`. */
export interface NodeStatus {
  readonly node: string;
  readonly role: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly ready: boolean;
  readonly parts: Readonly<Record<string, PartHealth>>;
}

/**
 * Answers `/healthz` (200 while the process runs), `/readyz` (200 when ready, else 503) and `/status` (JSON).
 * Read-only. Resolves with the port it listens on; rejects with `unavailable`.
 */
export function startStatusServer(
  address: { readonly host: string; readonly port: number },
  status: () => NodeStatus,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = (code: number, body: object): void => {
      response.writeHead(code, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    if (request.method !== "GET") return answer(405, { error: "only GET" });
    if (request.url === "/healthz") return answer(200, { status: "ok" });
    if (request.url !== "/readyz" && request.url !== "/status") {
      return answer(404, { error: "try /healthz, /readyz or /status" });
    }
    let now: NodeStatus;
    try {
      now = status();
    } catch (thrown) {
      // Who asks how a node is must not be able to end it.
      return answer(500, { error: messageOf(thrown) });
    }
    if (request.url === "/status") return answer(200, now);
    return answer(now.ready ? 200 : 503, { ready: now.ready });
  });
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const where = `${address.host}:${address.port}`;
      reject(
        new MeshError("unavailable", `status cannot be served at ${where}: ${cause.message}`, { cause }),
      );
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
      resolve({ port, stop: () => stopServer(server) });
    });
  });
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
