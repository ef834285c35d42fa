import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { assertPrivate } from "@adaos/config";
import { type Logger, MeshError } from "@adaos/core";
import { every, messageOf, visibleJson } from "@adaos/core/wire";
import { HTTP_LIMITS, makeRoom, stopServer } from "../http-limits.ts";
import type { Part, PartHealth } from "../part.ts";
import { isOwnHost, METRICS_PATH, send } from "../status-server.ts";
import type { Scrape } from "./scrape.ts";

/** The address at which collectors of other machines scrape, and the credentials that they need. */
export interface ScrapeListen {
  readonly host: string;
  readonly port: number;
  /** File with the token; no other user may read it. */
  readonly tokenFile?: string | undefined;
  readonly tls?:
    | {
        readonly certFile: string;
        readonly keyFile: string;
        /** Collectors present a certificate of this CA. */
        readonly clientCaFile?: string | undefined;
      }
    | undefined;
}

const RETRY_MS = 5000;
/** Interval at which replaced files are read again: a certificate is renewed while the daemon runs. */
const RELOAD_MS = 60_000;
const TLS_LIMITS = { handshakeTimeout: 5000, minVersion: "TLSv1.2" } as const;
const MIN_TOKEN_LENGTH = 16;
const MAX_TOKEN_LENGTH = 4096;

/**
 * Serves {@link METRICS_PATH} to other machines, and nothing else. A fault (a taken port, a missing file) does not
 * delay the node: it reports the fault and tries again.
 */
export class ScrapeServer implements Part {
  readonly name = "metrics";
  readonly #listen: ScrapeListen;
  readonly #scrape: Scrape;
  readonly #log: Logger;
  readonly #retryMs: number;
  #server: Server | undefined;
  #problem: string | undefined = "is starting";
  #timer: NodeJS.Timeout | undefined;
  #stopReload: (() => void) | undefined;
  #isStopped = false;

  constructor(listen: ScrapeListen, scrape: Scrape, log: Logger, retryMs: number = RETRY_MS) {
    this.#listen = listen;
    this.#scrape = scrape;
    this.#log = log;
    this.#retryMs = retryMs;
  }

  async start(): Promise<void> {
    await this.#open();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#stopReload?.();
    if (this.#server !== undefined) await stopServer(this.#server);
  }

  health(): PartHealth {
    const { host, port } = this.#listen;
    if (this.#problem !== undefined) return { ready: false, reason: this.#problem };
    return { ready: true, details: { url: `${this.#scheme}://${host}:${port}${METRICS_PATH}` } };
  }

  get #scheme(): string {
    return this.#listen.tls === undefined ? "http" : "https";
  }

  async #open(): Promise<void> {
    try {
      readToken(this.#listen.tokenFile);
      this.#server = await this.#serve();
      this.#problem = undefined;
      const { host, port } = this.#listen;
      this.#log.info({ host, port, scheme: this.#scheme }, "metrics served to other machines");
    } catch (thrown) {
      const { host, port } = this.#listen;
      const isTaken = (thrown as NodeJS.ErrnoException).code === "EADDRINUSE";
      const remedy = "end it, or give this node another metrics.port in the mesh file";
      this.#problem = isTaken
        ? `cannot be served: another program listens at ${host}:${port}; ${remedy}`
        : `cannot be served: ${messageOf(thrown)}`;
      this.#log.error({ err: thrown }, "metrics not served to other machines");
      if (!this.#isStopped) this.#timer = setTimeout(() => void this.#open(), this.#retryMs).unref();
    }
  }

  #serve(): Promise<Server> {
    const { host, port, tls } = this.#listen;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#answer(request, response);
    const server =
      tls === undefined
        ? createServer(HTTP_LIMITS, onRequest)
        : createTlsServer({ ...HTTP_LIMITS, ...TLS_LIMITS, ...readTls(tls) }, onRequest);
    makeRoom(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        server.off("error", reject);
        server.on("error", (err) => this.#log.warn({ err }, "metrics server"));
        if (tls !== undefined && "setSecureContext" in server) this.#followCertificate(tls, server);
        resolve(server);
      });
    });
  }

  #followCertificate(
    tls: NonNullable<ScrapeListen["tls"]>,
    server: { setSecureContext(options: ReturnType<typeof readTls>): void },
  ): void {
    this.#stopReload = every(RELOAD_MS, () => {
      try {
        server.setSecureContext(readTls(tls));
      } catch (err) {
        // The previous certificate stays in use.
        this.#log.warn({ err }, "certificate for metrics not read");
      }
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (code: number, error: string): void =>
      send(request, response, code, visibleJson({ error }));
    const { tokenFile, tls } = this.#listen;
    const isOpen = tokenFile === undefined && tls?.clientCaFile === undefined;
    if (isOpen && !isOwnHost(request.headers.host, this.#listen))
      return refuse(421, "the Host header names another server");
    if (!this.#mayCome(request.headers.authorization)) {
      response.setHeader("www-authenticate", "Bearer");
      return refuse(401, "show the token of this node: Authorization: Bearer TOKEN");
    }
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(405, "only GET and HEAD");
    if (request.url !== METRICS_PATH) return refuse(404, `there is only ${METRICS_PATH}`);
    this.#scrape.answer(request.headers.accept).then(
      ({ text, contentType }) => send(request, response, 200, text.trimEnd(), contentType),
      (thrown: unknown) => refuse(500, messageOf(thrown)),
    );
  }

  /**
   * Checks the token against its file, which is read each time, so that a replaced token takes effect at once. A broken
   * file admits nobody.
   */
  #mayCome(authorization: string | undefined): boolean {
    const { tokenFile } = this.#listen;
    if (tokenFile === undefined) return true;
    const [, shown] = /^Bearer ([^\s]+)$/i.exec(authorization ?? "") ?? [];
    try {
      return shown !== undefined && isSame(shown, readToken(tokenFile) ?? "");
    } catch (err) {
      this.#log.warn({ err }, "token for metrics not read");
      return false;
    }
  }
}

/** Compares in a time that reveals neither where the texts differ nor how long the right one is. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  assertPrivate(file);
  const token = readFileSync(file, "utf8").trim();
  if (token.length >= MIN_TOKEN_LENGTH && token.length <= MAX_TOKEN_LENGTH && !/\s/.test(token)) return token;
  throw new MeshError(
    "invalid-config",
    `${file} contains no token; write one of ${MIN_TOKEN_LENGTH} characters or more: openssl rand -hex 32`,
  );
}

function readTls({ certFile, keyFile, clientCaFile }: NonNullable<ScrapeListen["tls"]>): {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly requestCert?: true;
} {
  assertPrivate(keyFile);
  return {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile), requestCert: true }),
  };
}
