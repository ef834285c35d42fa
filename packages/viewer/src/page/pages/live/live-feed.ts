import type { FeedMessage } from "../../../api/feed.ts";
import { AskError, ask, type Query, queryText } from "../../app/ask.ts";
import { readToken } from "../../app/token.ts";

/** How the feed stands. */
export type FeedState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  /** It is tried again by itself. */
  | { readonly kind: "waiting"; readonly reason: string }
  /** It is not tried again. */
  | { readonly kind: "ended"; readonly reason: string };

interface FeedListener {
  onMessage(message: FeedMessage, chars: number): void;
  onState(state: FeedState): void;
}

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
/** The feed beats every 10 s; a silent one is a dead one. */
const SILENCE_MS = 25_000;
/** Close codes after which another attempt would end as this one did. */
const FINAL_CODES: ReadonlySet<number> = new Set([4400, 4401]);

/** The feed of this viewer, connected again by itself: it goes on behind the last message that came. */
export class LiveFeed {
  readonly #query: Query;
  readonly #listener: FeedListener;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #after = "";
  #reason = "";
  #isClosed = false;

  constructor(query: Query, listener: FeedListener) {
    this.#query = query;
    this.#listener = listener;
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #open(): void {
    this.#listener.onState({ kind: "connecting" });
    this.#reason = "";
    // What was stored while the page was away comes next; the past that it began with does not come twice.
    const query = this.#after === "" ? this.#query : { ...this.#query, since: undefined, after: this.#after };
    const address = `${location.origin.replace(/^http/, "ws")}/api/feed${queryText(query)}`;
    const socket = new WebSocket(address, ["adaos.feed.v1", `token.${readToken()}`]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#read(String(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#closed(code);
    this.#watch();
  }

  #read(text: string): void {
    if (this.#isClosed) return;
    const message = JSON.parse(text) as FeedMessage;
    if ("id" in message && message.id !== "") this.#after = message.id;
    if (message.type === "end") this.#reason = message.reason;
    if (message.type === "start") {
      this.#attempts = 0;
      this.#listener.onState({ kind: "open" });
    }
    if (message.type === "beat") this.#watch();
    this.#listener.onMessage(message, text.length);
  }

  #closed(code: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const reason = this.#reason === "" ? "the viewer does not answer" : this.#reason;
    if (FINAL_CODES.has(code)) return this.#listener.onState({ kind: "ended", reason });
    this.#listener.onState({ kind: "waiting", reason });
    // A refused WebSocket does not say why; a question with the same token does.
    ask("/api/session").catch((thrown: unknown) => {
      if (thrown instanceof AskError && thrown.status === 401) this.#end(thrown.message);
    });
    this.#timer = setTimeout(() => this.#open(), pauseMs(this.#attempts++, Math.random()));
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#listener.onState({ kind: "ended", reason });
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const silent = this.#socket;
      this.#closed(1006);
      this.#socket = undefined;
      silent?.close();
    }, SILENCE_MS);
  }
}

/**
 * How long to wait before an attempt: twice as long each time, and never all pages at once. Pure.
 * @param random 0 to 1.
 */
export function pauseMs(attempts: number, random: number): number {
  return Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempts) * (0.5 + random / 2);
}
