import { isLoopback } from "@adaos/config";
import type { Logger } from "@adaos/core";
import { messageOf } from "@adaos/core/wire";
import type { Part, PartHealth } from "@adaos/daemon";
import type { ViewerServer } from "./http/viewer-server.ts";
import { startViewer, type ViewerOptions } from "./start-viewer.ts";

const RETRY_MS = 5000;

/**
 * The viewer as a part of its process. A taken port does not end it: on loopback it takes a free one, since links tell
 * the address; elsewhere a firewall knows the port, and the part tries again.
 */
export class ViewerPart implements Part {
  readonly name = "viewer";
  readonly #options: ViewerOptions;
  readonly #log: Logger;
  #server: ViewerServer | undefined;
  #problem = "is starting";
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isElsewhere = false;

  constructor(options: ViewerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  start(): Promise<void> {
    return this.#open();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#server?.stop();
  }

  health(): PartHealth {
    if (this.#server === undefined) return { ready: false, reason: this.#problem };
    const { url } = this.#server;
    const { port } = this.#options.listen;
    if (!this.#isElsewhere) return { ready: true, note: url, details: { url } };
    const note = `${url}, since another program has its port ${port} (viewer.port in the mesh file)`;
    return { ready: true, note, details: { url } };
  }

  async #open(): Promise<void> {
    try {
      const server = await this.#listen();
      if (this.#isStopped) return await server.stop();
      this.#server = server;
      this.#log.info({ url: server.url }, "viewer served");
    } catch (thrown) {
      this.#problem = `cannot be served: ${messageOf(thrown)}`;
      this.#log.error({ err: thrown }, "viewer not served");
      if (!this.#isStopped) this.#timer = setTimeout(() => void this.#open(), RETRY_MS);
    }
  }

  async #listen(): Promise<ViewerServer> {
    const { listen } = this.#options;
    try {
      return await startViewer(this.#options);
    } catch (thrown) {
      if (!isTaken(thrown) || !isLoopback(listen.host)) throw thrown;
      this.#log.warn({ port: listen.port }, "port of the viewer taken; another one is used");
      this.#isElsewhere = true;
      return await startViewer({ ...this.#options, listen: { ...listen, port: 0 } });
    }
  }
}

function isTaken(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code === "EADDRINUSE";
}
