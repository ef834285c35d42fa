import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import type { Caller } from "../access/tokens.ts";
import type { ViewerContext } from "../http/route.ts";

/** Sends events to browsers and programs as they are stored. */
export class Feed {
  constructor(context: ViewerContext) {
    context.layout();
  }

  /**
   * Answers `GET /api/feed` with Server-Sent Events until the reader leaves. Rejects with `usage` or `backpressure`.
   */
  async answer(
    _request: IncomingMessage,
    response: ServerResponse,
    _url: URL,
    _caller: Caller,
  ): Promise<void> {
    response.writeHead(501).end();
  }

  /** Serves a WebSocket of `/api/feed` until it closes. Never throws. */
  accept(socket: WebSocket, _url: URL, _caller: Caller): void {
    socket.close(1013);
  }

  /** Ends every reader. */
  async stop(): Promise<void> {}
}
