import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { assertPrivate } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { every, messageOf } from "@adaos/core/wire";
import { WebSocketServer } from "ws";
import { type Listen, refusalOf } from "../access/guard.ts";
import { type Caller, callerOf } from "../access/tokens.ts";
import type { Feed } from "../feed/feed.ts";
import type { JobRunner } from "../jobs/job-runner.ts";
import { type ApiAnswerer, authenticated, HttpError, sendError } from "./answer-api.ts";
import { type PageFiles, SAFE_HEADERS } from "./page-files.ts";
import { Strangers } from "./strangers.ts";

const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5000,
  requestTimeout: 15_000,
  keepAliveTimeout: 12_000,
  connectionsCheckingInterval: 500,
};
const MAX_CONNECTIONS = 256;
/** Of these, for connections that have shown no token. */
const MAX_STRANGERS = 128;
/** An answer comes within a minute; a client that takes none of it for longer must not keep it in memory. */
const IDLE_MS = 75_000;
/** A renewed certificate is taken while the viewer runs. */
const RELOAD_MS = 60_000;
/** A reader of the feed sends nothing but pongs and its filter. */
const MAX_FRAME_BYTES = 16_384;
const TLS_LIMITS = { handshakeTimeout: 5000, minVersion: "TLSv1.2" } as const;
const FEED_PATH = "/api/feed";
/** The protocol of a WebSocket, and before a token in the same header: browsers can set no other. */
const FEED_PROTOCOL = "adaos.feed.v1";
const TOKEN_PROTOCOL = "token.";

/** What a page of a listed origin may send. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-allow-headers": "authorization, content-type, last-event-id",
  "access-control-max-age": "600",
};

export interface ViewerListen {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined;
  readonly origins: readonly string[];
}

interface Served {
  readonly stateDir: string;
  readonly page: PageFiles;
  readonly api: ApiAnswerer;
  readonly feed: Feed;
  readonly say: (line: string) => void;
  readonly jobs: Pick<JobRunner, "stop">;
}

/** Serves page, API and feed at one address. */
export class ViewerServer {
  readonly #served: Served;
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #strangers: Strangers;
  #listen: Listen;
  #stopReload: () => void = () => undefined;

  private constructor(listen: ViewerListen, served: Served) {
    this.#served = served;
    this.#listen = { ...listen, isTls: listen.tls !== undefined };
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response);
    this.#server =
      listen.tls === undefined
        ? createServer(LIMITS, answer)
        : createTlsServer({ ...LIMITS, ...TLS_LIMITS, ...readTls(listen.tls) }, answer);
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.timeout = IDLE_MS;
    this.#strangers = new Strangers(this.#server, MAX_STRANGERS);
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(FEED_PROTOCOL) ? FEED_PROTOCOL : false),
    });
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Resolves when it listens. Rejects with `unavailable` where the port is taken, or `invalid-config`. */
  static async start(listen: ViewerListen, served: Served): Promise<ViewerServer> {
    const viewer = new ViewerServer(listen, served);
    await new Promise<void>((resolve, reject) => {
      viewer.#server.once("error", (cause) => {
        const where = `${listen.host}:${listen.port}`;
        reject(
          new MeshError(
            "unavailable",
            `the viewer cannot listen at ${where}: ${cause.message}; end the program there, or change viewer.port or viewer.host in the mesh file`,
            { cause },
          ),
        );
      });
      viewer.#server.listen(listen.port, listen.host, resolve);
    });
    const bound = viewer.#server.address();
    if (listen.tls !== undefined) viewer.#followCertificate(listen.tls, served.say);
    if (typeof bound === "object" && bound !== null) viewer.#listen = { ...viewer.#listen, port: bound.port };
    return viewer;
  }

  /** `http://127.0.0.1:7480` */
  get url(): string {
    const { host, port, isTls } = this.#listen;
    return `${isTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  async stop(): Promise<void> {
    this.#stopReload();
    await this.#served.feed.stop();
    for (const socket of this.#sockets.clients) socket.terminate();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await this.#served.jobs.stop();
  }

  #followCertificate(tls: NonNullable<ViewerListen["tls"]>, say: (line: string) => void): void {
    const server = this.#server;
    this.#stopReload = every(RELOAD_MS, () => {
      try {
        if (server instanceof TlsServer) server.setSecureContext(readTls(tls));
      } catch (thrown) {
        // The previous certificate stays in use.
        say(`the viewer's certificate cannot be read: ${messageOf(thrown)}`);
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
    response.on("error", () => undefined);
    try {
      const { method = "GET", headers } = request;
      const url = urlOf(request);
      const refused = refusalOf(method, headers, this.#listen);
      if (refused !== undefined) throw new HttpError(refused.status, "denied", refused.message);
      const { origin } = headers;
      // Only origins that the mesh file lists get so far, and our own, for which it says nothing new.
      if (origin !== undefined) response.setHeader("access-control-allow-origin", origin);
      response.setHeader("vary", "origin");
      if (method === "OPTIONS") return void response.writeHead(204, PREFLIGHT).end();
      const { api, feed, page } = this.#served;
      if (url.pathname !== "/api" && !url.pathname.startsWith("/api/")) {
        if (method !== "GET" && method !== "HEAD")
          throw new HttpError(405, "usage", "the page is read with GET");
        return page.answer(request, response, url.pathname);
      }
      const caller = (): Caller => this.#callerOf(request, url);
      if (url.pathname === FEED_PATH && method === "GET")
        await feed.answer(request, response, url, authenticated(caller));
      else await api.answer(request, response, url, caller);
    } catch (thrown) {
      sendError(response, thrown);
    }
  }

  #callerOf(request: IncomingMessage, url: URL): Caller {
    const caller = callerOf(tokenOf(request, url), this.#served.stateDir, Date.now());
    this.#strangers.known(request.socket);
    return caller;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    try {
      const url = urlOf(request);
      const refused = refusalOf("GET", request.headers, this.#listen);
      if (refused !== undefined) throw new HttpError(refused.status, "denied", refused.message);
      if (url.pathname !== FEED_PATH)
        throw new HttpError(404, "usage", `a WebSocket is served at ${FEED_PATH}`);
      const caller = authenticated(() => this.#callerOf(request, url));
      this.#sockets.handleUpgrade(request, socket, head, (opened) => {
        opened.on("error", () => opened.terminate());
        this.#served.feed.accept(opened, url, caller);
      });
    } catch (thrown) {
      const [status, text] =
        thrown instanceof HttpError ? [thrown.status, thrown.message] : [400, messageOf(thrown)];
      // The server's limits hold no more for it: a client that keeps its half open must not keep the connection.
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n${text}\n`,
        () => socket.destroy(),
      );
    }
  }
}

function urlOf({ url = "/" }: IncomingMessage): URL {
  try {
    return new URL(url, "http://viewer");
  } catch {
    throw new HttpError(400, "usage", "the address of the request is not one");
  }
}

/**
 * The token of a request: `Authorization: Bearer …`; in the list of protocols of a WebSocket; and for `EventSource`,
 * which can send neither, in the address of the feed.
 */
function tokenOf({ headers }: IncomingMessage, url: URL): string {
  const [, bearer] = /^Bearer (\S+)$/i.exec(headers.authorization ?? "") ?? [];
  if (bearer !== undefined) return bearer;
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((one) => one.trim());
  const protocol = offered.find((one) => one.startsWith(TOKEN_PROTOCOL));
  if (protocol !== undefined) return protocol.slice(TOKEN_PROTOCOL.length);
  const asked = url.pathname === FEED_PATH ? url.searchParams.get("token") : null;
  if (asked !== null) return asked;
  throw new MeshError("denied", "a token is missing; adaos view gives one");
}

function readTls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): {
  cert: Buffer;
  key: Buffer;
} {
  assertPrivate(keyFile);
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    throw MeshError.from(cause, "invalid-config", "the viewer's certificate cannot be read");
  }
}
