import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { ConfigError } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { type Exposition, messageOf, OWN_PROGRAM, type Program, visibleJson } from "@adaos/core/wire";
import { HTTP_LIMITS, makeRoom, stopServer } from "./http-limits.ts";
import type { Scrape } from "./metrics/scrape.ts";
import { answerOldPath, OLD_PATHS, processUse } from "./old-paths.ts";
import type { PartHealth } from "./part.ts";

/** A daemon's answer at `/status`. The server adds the program; those before it told none. */
export interface NodeStatus extends Partial<Program> {
  readonly node: string;
  readonly role: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly ready: boolean;
  /** Stuck parts, with the reason: only a restart helps. */
  readonly stuck?: Readonly<Record<string, string>>;
  readonly parts: Readonly<Record<string, PartHealth>>;
}

/**
 * Health for a supervisor, under the path that it has always had: 200 when all parts work on, 503 when one is stuck.
 */
export const HEALTH_PATH = "/api/system/health";

/** 200 when the node is ready but for what other machines must mend: it can serve. Else 503. */
export const SERVES_PATH = "/readyz/serves";

/** Path for collectors. */
export const METRICS_PATH = "/metrics";

const STATUS_PATHS: ReadonlySet<string> = new Set(["/readyz", "/status", SERVES_PATH, HEALTH_PATH]);

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Answers `/healthz` (200 while the process runs), `/readyz` (200 when ready, else 503), {@link SERVES_PATH},
 * `/status` (JSON), {@link HEALTH_PATH}, {@link OLD_PATHS} and, given a scrape, {@link METRICS_PATH}. Read-only.
 * Resolves with the port it listens on; rejects with `unavailable`.
 */
export function startStatusServer(
  address: Address,
  status: () => NodeStatus,
  scrape?: Scrape,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  let port = address.port;
  const server = createServer(HTTP_LIMITS, (request, response) => {
    const [code, body] = answerTo(request, { host: address.host, port }, status, scrape);
    if (!(body instanceof Promise)) return send(request, response, code, visibleJson(body));
    body.then(
      ({ text, contentType }) => send(request, response, code, text.trimEnd(), contentType),
      (thrown: unknown) => send(request, response, 500, visibleJson({ error: messageOf(thrown) })),
    );
  });
  makeRoom(server);
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const where = `${address.host}:${address.port}`;
      reject(
        new MeshError("unavailable", `status cannot be served at ${where}: ${cause.message}`, { cause }),
      );
    });
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      if (typeof bound === "object" && bound !== null) port = bound.port;
      resolve({ port, stop: () => stopServer(server) });
    });
  });
}

function answerTo(
  { method, url, headers }: IncomingMessage,
  address: Address,
  status: () => NodeStatus,
  scrape: Scrape | undefined,
): readonly [code: number, body: object | Promise<Exposition>] {
  if (!isOwnHost(headers.host, address)) return [421, { error: "the Host header names another server" }];
  if (method !== "GET" && method !== "HEAD") return [405, { error: "only GET and HEAD" }];
  if (url === "/healthz") return [200, { status: "ok" }];
  if (url === METRICS_PATH && scrape !== undefined) return [200, scrape.answer(headers.accept)];
  const isOld = url === OLD_PATHS.metrics || url === OLD_PATHS.summary;
  if (!STATUS_PATHS.has(url ?? "") && !isOld)
    return [
      404,
      { error: `try /healthz, /readyz, ${SERVES_PATH}, /status, ${METRICS_PATH} or ${HEALTH_PATH}` },
    ];
  try {
    const now = status();
    if (url === HEALTH_PATH) return healthOf(now);
    if (url === SERVES_PATH) return servesOf(now);
    if (isOld) return [200, answerOldPath(url, now, configErrors(now.parts), processUse()) ?? {}];
    return url === "/status"
      ? [200, { ...now, ...OWN_PROGRAM }]
      : [now.ready ? 200 : 503, { ready: now.ready }];
  } catch (thrown) {
    // A question about the node's health must not be able to end it.
    return [500, { error: messageOf(thrown) }];
  }
}

function servesOf({ parts }: NodeStatus): readonly [code: number, body: object] {
  const broken = Object.entries(parts).filter(([, { ready, isFar }]) => !ready && isFar !== true);
  if (broken.length === 0) return [200, { serves: true }];
  return [
    503,
    { serves: false, reason: broken.map(([name, { reason }]) => `${name}: ${reason}`).join("; ") },
  ];
}

/** The broken files that the parts of a node report. */
export function configErrors(parts: NodeStatus["parts"]): readonly ConfigError[] {
  return Object.values(parts).flatMap(({ details }) => (details?.["errors"] ?? []) as readonly ConfigError[]);
}

function healthOf({ node, ready, stuck, parts }: NodeStatus): readonly [code: number, body: object] {
  const config = { errors: configErrors(parts) };
  if (stuck === undefined) return [200, { status: "ok", node, ready, config }];
  const reason = Object.entries(stuck)
    .map(([part, why]) => `${part} ${why}`)
    .join("; ");
  return [503, { status: "stuck", node, ready, config, reason, stuck }];
}

/**
 * Whether a Host header means this server. A page of another site can map a name of its own to this address and make a
 * browser ask here; that name is not one of ours. Pure.
 */
export function isOwnHost(header: string | undefined, { host, port }: Address): boolean {
  const [, bracketed, plain, givenPort] =
    /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(header ?? "") ?? [];
  const name = (bracketed ?? plain ?? "").toLowerCase();
  // On all interfaces, ports may be mapped and addresses are many. But a foreign name is never an IP address.
  if (host === "0.0.0.0" || host === "::") return isIP(name) !== 0 || name === "localhost";
  if (Number(givenPort ?? 80) !== port) return false;
  return ["127.0.0.1", "localhost", "::1", host.toLowerCase()].includes(name);
}

/** Does not read the request's body, which could have any length. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  text: string,
  contentType = "application/json",
): void {
  const { headers, socket } = request;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
  response.writeHead(code, {
    "content-type": contentType,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(hasBody ? { connection: "close" } : {}),
  });
  response.end(`${text}\n`, () => hasBody && socket.destroy());
}
