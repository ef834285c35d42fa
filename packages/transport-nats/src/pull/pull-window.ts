import { LineWindow } from "../publish/line-window.ts";
import type { PullRequest } from "./pull-request.ts";

/** Of a message, while none has come. */
const FIRST_AVERAGE_BYTES = 1024;
/** The newest message counts one part in so many. */
const AVERAGE_OVER = 16;

/** Two requests, and the way of an acknowledgement, take less than the ack wait of a link: nothing comes twice. */
const TARGET_MS = 500;

/**
 * How many messages a request asks for, so that the line brings them in half a second or little more. What is asked for
 * is sent at once, and whatever else uses the line waits behind it. Counted in messages, since a request for fewer
 * bytes than the next message has would bring none.
 */
export class PullWindow {
  readonly #line = new LineWindow(TARGET_MS);
  readonly #expiresMs: number;
  #averageBytes = FIRST_AVERAGE_BYTES;
  #endedMs = Number.NEGATIVE_INFINITY;

  /** @param expiresMs A server ends a request after this; what comes later was held up by the line. */
  constructor(expiresMs: number) {
    this.#expiresMs = expiresMs;
  }

  get batch(): number {
    return Math.max(1, Math.floor(this.#line.bytes / this.#averageBytes));
  }

  /** How long the server's word may take that comes behind so many messages. */
  waitMs(messages: number): number {
    return this.#line.waitMs(messages * this.#averageBytes);
  }

  came(bytes: number): void {
    this.#averageBytes += (bytes - this.#averageBytes) / AVERAGE_OVER;
  }

  /** A request has ended. One that its server had not enough for tells nothing, unless it ended late. */
  ended({ sentMs, broughtBytes }: PullRequest, wasServed: boolean, nowMs: number): void {
    if (broughtBytes === 0) return;
    // Until then the line was bringing what was asked for before.
    const tookMs = nowMs - Math.max(sentMs, this.#endedMs);
    this.#endedMs = nowMs;
    if (wasServed || tookMs > 1.5 * this.#expiresMs) this.#line.answered(broughtBytes, tookMs);
  }

  /** Nothing has come of a request for a while that had brought something, nor its end. */
  stalled({ broughtBytes }: PullRequest): void {
    if (broughtBytes > 0) this.#line.timedOut(broughtBytes);
  }

  startAnew(): void {
    this.#line.startAnew();
  }
}
