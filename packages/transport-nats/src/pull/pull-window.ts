import { LineWindow } from "../publish/line-window.ts";
import type { PullRequest } from "./pull-request.ts";

/** Assumed size of a message while none has come. */
const FIRST_AVERAGE_BYTES = 1024;
/** The newest message counts one part in this many. */
const AVERAGE_OVER = 16;

/** Two requests and the way of an acknowledgement take less than a link's ack wait, so nothing is delivered twice. */
const TARGET_MS = 500;

/**
 * Decides how many messages a request asks for, so that the line brings them in half a second or a little more. The
 * server sends requested messages at once, and all other traffic waits behind them. It counts messages, because a
 * request with a byte limit below the next message would bring none.
 */
export class PullWindow {
  readonly #line = new LineWindow(TARGET_MS);
  readonly #expiresMs: number;
  #averageBytes = FIRST_AVERAGE_BYTES;
  #endedMs = Number.NEGATIVE_INFINITY;

  /** @param expiresMs A server ends a request after this time; if the end comes later, the line delayed it. */
  constructor(expiresMs: number) {
    this.#expiresMs = expiresMs;
  }

  get batch(): number {
    return Math.max(1, Math.floor(this.#line.bytes / this.#averageBytes));
  }

  /** How long an answer that comes behind so many messages may take. */
  waitMs(messages: number): number {
    return this.#line.waitMs(messages * this.#averageBytes);
  }

  came(bytes: number): void {
    this.#averageBytes += (bytes - this.#averageBytes) / AVERAGE_OVER;
  }

  /** Records the end of a request. A request that its server could not fill says nothing, unless it ended late. */
  ended({ sentMs, broughtBytes }: PullRequest, wasServed: boolean, nowMs: number): void {
    if (broughtBytes === 0) return;
    // Until then the line was bringing earlier requests.
    const tookMs = nowMs - Math.max(sentMs, this.#endedMs);
    this.#endedMs = nowMs;
    if (wasServed || tookMs > 1.5 * this.#expiresMs) this.#line.answered(broughtBytes, tookMs);
  }

  /** A request that had brought messages has brought neither more nor its end for a while. */
  stalled({ broughtBytes }: PullRequest): void {
    if (broughtBytes > 0) this.#line.timedOut(broughtBytes);
  }

  startAnew(): void {
    this.#line.startAnew();
  }
}
