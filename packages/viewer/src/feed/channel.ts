import type { IncomingMessage, ServerResponse } from "node:http";
import { visibleJson } from "@adaos/core/wire";
import type { WebSocket } from "ws";
import type { FeedMessage } from "../api/feed.ts";

/** Why a feed ends: the close code of a WebSocket. */
export const FEED_ENDS = {
  stopped: 1001,
  full: 1013,
  failed: 1011,
  usage: 4400,
  expired: 4401,
  slow: 4408,
} as const;

/** The way to one reader. Nothing throws: a reader that has left is seen by `onClosed`. */
export interface FeedChannel {
  /** Bytes that wait for the reader in this process. */
  readonly waitingBytes: number;
  /** @param id The reader's place behind it; left out where nothing was passed. */
  send(json: string, id?: string): void;
  /** Asks the reader for a sign of life; one that gave none since the last question has left. */
  ping(): void;
  /** Tells the reason, and closes within a few seconds, whatever the reader does. */
  end(code: number, reason: string): void;
}

/** A reader who takes nothing must not keep the connection open. */
const CLOSE_MS = 2000;
/** A close frame holds 123 bytes. */
const MAX_REASON_CHARS = 110;

function endJson(code: number, reason: string): string {
  return visibleJson({ type: "end", code, reason } satisfies FeedMessage);
}

/** Server-Sent Events. */
export class SseChannel implements FeedChannel {
  readonly #response: ServerResponse;

  /** Begins the answer. */
  constructor(request: IncomingMessage, response: ServerResponse, onClosed: () => void) {
    this.#response = response;
    request.socket.setKeepAlive(true, 10_000);
    request.socket.setNoDelay(true);
    response.once("close", onClosed);
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    // How long a browser waits before it asks again.
    response.write("retry: 2000\n\n");
  }

  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  send(json: string, id?: string): void {
    if (this.#response.writableEnded) return;
    this.#response.write(`${id === undefined ? "" : `id: ${id}\n`}data: ${json}\n\n`);
  }

  ping(): void {
    // A reader that has gone is found by the keep-alive of its connection.
  }

  end(code: number, reason: string): void {
    if (this.#response.writableEnded) return;
    this.#response.end(`data: ${endJson(code, reason)}\n\n`);
    setTimeout(() => this.#response.destroy(), CLOSE_MS).unref();
  }
}

/** A WebSocket. What a reader sends is not read. */
export class SocketChannel implements FeedChannel {
  readonly #socket: WebSocket;
  #isAlive = true;

  constructor(socket: WebSocket, onClosed: () => void) {
    this.#socket = socket;
    socket.once("close", onClosed);
    socket.on("pong", () => {
      this.#isAlive = true;
    });
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(json: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(json);
  }

  ping(): void {
    if (!this.#isAlive) return this.#socket.terminate();
    this.#isAlive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  end(code: number, reason: string): void {
    this.send(endJson(code, reason));
    this.#socket.close(code, reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_REASON_CHARS));
    setTimeout(() => this.#socket.terminate(), CLOSE_MS).unref();
  }
}
