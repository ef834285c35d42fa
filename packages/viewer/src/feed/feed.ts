import type { IncomingMessage, ServerResponse } from "node:http";
import { MeshError } from "@adaos/core";
import { every, messageOf } from "@adaos/core/wire";
import type { EventMask } from "@adaos/operations";
import type { StoredMessage } from "@adaos/transport-nats";
import type { WebSocket } from "ws";
import { type Caller, isTokenKept } from "../access/tokens.ts";
import type { ViewerContext } from "../http/route.ts";
import { FEED_ENDS, type FeedChannel, SocketChannel, SseChannel } from "./channel.ts";
import { type FeedQuery, parseFeedQuery } from "./feed-query.ts";
import { FeedReader, type SeenMessages } from "./feed-reader.ts";
import { PlaceTails } from "./place-tail.ts";
import { SeenMessage } from "./seen-message.ts";

const MAX_READERS = 32;
const LOOK_MS = 1000;
const BEAT_MS = 10_000;
/** Registries change seldom; a reader is shown the masks of a new one after this time at the latest. */
const MASK_MS = 30_000;

interface Served {
  readonly caller: Caller;
  readonly channel: FeedChannel;
  reader: FeedReader | undefined;
}

/** Sends events to browsers and programs as they are stored. */
export class Feed {
  readonly #context: ViewerContext;
  readonly #tails: PlaceTails;
  readonly #served = new Set<Served>();
  readonly #seen = new SharedMessages();
  #mask: { readonly mask: EventMask; readonly atMs: number } | undefined;
  #stopTimers: (() => void)[] = [];
  #isStopped = false;

  constructor(context: ViewerContext) {
    this.#context = context;
    this.#tails = new PlaceTails(() => context.layout());
  }

  /**
   * Answers `GET /api/feed` with Server-Sent Events until the reader leaves. Rejects with `usage` or `backpressure`.
   */
  async answer(request: IncomingMessage, response: ServerResponse, url: URL, caller: Caller): Promise<void> {
    if (this.#served.size >= MAX_READERS) throw tooMany();
    const lastId = request.headers["last-event-id"];
    const query = this.#parse(url, typeof lastId === "string" && lastId !== "" ? lastId : undefined);
    const mask = await this.#currentMask();
    if (response.destroyed) return;
    if (this.#served.size >= MAX_READERS) throw tooMany();
    const served = this.#admit(caller, (onClosed) => new SseChannel(request, response, onClosed));
    this.#begin(served, query, mask);
  }

  /** Serves a WebSocket of `/api/feed` until it closes. Never throws. */
  accept(socket: WebSocket, url: URL, caller: Caller): void {
    const isFull = this.#served.size >= MAX_READERS;
    const served = this.#admit(caller, (onClosed) => new SocketChannel(socket, onClosed));
    if (isFull) return this.#end(served, FEED_ENDS.full, tooMany().message);
    let query: FeedQuery;
    try {
      query = this.#parse(url, undefined);
    } catch (thrown) {
      return this.#end(served, codeOf(thrown), messageOf(thrown));
    }
    this.#currentMask().then(
      (mask) => this.#begin(served, query, mask),
      (thrown: unknown) => this.#end(served, FEED_ENDS.failed, messageOf(thrown)),
    );
  }

  /** Ends every reader. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const served of this.#served) this.#end(served, FEED_ENDS.stopped, "the viewer stops");
    this.#leave();
  }

  #parse(url: URL, lastId: string | undefined): FeedQuery {
    const known = this.#context.layout().servers.map(({ of }) => of);
    return parseFeedQuery(url.searchParams, known, lastId);
  }

  #admit(caller: Caller, open: (onClosed: () => void) => FeedChannel): Served {
    const served: Served = {
      caller,
      channel: open(() => this.#remove(served)),
      reader: undefined,
    };
    this.#served.add(served);
    if (this.#stopTimers.length === 0)
      this.#stopTimers = [every(LOOK_MS, () => this.#look()), every(BEAT_MS, () => this.#beat())];
    return served;
  }

  #begin(served: Served, query: FeedQuery, mask: EventMask): void {
    if (this.#isStopped || !this.#served.has(served)) return;
    this.#seen.mask = mask;
    served.reader = new FeedReader(query, served.channel, this.#seen);
    served.reader.start(this.#tails);
  }

  #end(served: Served, code: number, reason: string): void {
    this.#served.delete(served);
    served.reader?.close();
    served.channel.end(code, reason);
  }

  #remove(served: Served): void {
    this.#served.delete(served);
    served.reader?.close();
    this.#leave();
  }

  /** What nobody uses any more ends. */
  #leave(): void {
    this.#tails.endUnused();
    if (this.#served.size > 0) return;
    for (const stop of this.#stopTimers.splice(0)) stop();
  }

  #look(): void {
    const nowMs = Date.now();
    for (const served of this.#served) {
      const { id, expiresMs = nowMs + 1 } = served.caller;
      if (expiresMs <= nowMs)
        this.#end(served, FEED_ENDS.expired, "the token has expired; adaos view gives a new one");
      else if (!isTokenKept(this.#context.stateDir, id))
        this.#end(served, FEED_ENDS.expired, "the token was revoked; adaos view gives a new one");
      else served.reader?.look(performance.now());
    }
    this.#leave();
  }

  #beat(): void {
    for (const { reader } of this.#served) reader?.beat();
    this.#currentMask().then(
      (mask) => {
        this.#seen.mask = mask;
      },
      // Events go on under the masks that were read last.
      (thrown: unknown) => this.#context.say(`the feed keeps its masks: ${messageOf(thrown)}`),
    );
  }

  async #currentMask(): Promise<EventMask> {
    if (this.#mask === undefined || performance.now() - this.#mask.atMs > MASK_MS)
      this.#mask = { mask: await this.#context.mask(), atMs: performance.now() };
    return this.#mask.mask;
  }
}

/** What a page of a tail is decoded to, for all readers of it. */
class SharedMessages implements SeenMessages {
  readonly #seen = new WeakMap<StoredMessage, SeenMessage>();
  #mask: EventMask | undefined;

  get mask(): EventMask {
    if (this.#mask === undefined) throw new MeshError("internal", "the feed has no masks yet");
    return this.#mask;
  }

  set mask(mask: EventMask) {
    this.#mask = mask;
  }

  of(at: string, message: StoredMessage): SeenMessage {
    const known = this.#seen.get(message);
    if (known !== undefined) return known;
    const seen = new SeenMessage(at, message, this.mask);
    this.#seen.set(message, seen);
    return seen;
  }
}

function tooMany(): MeshError {
  return new MeshError("backpressure", `the feed has ${MAX_READERS} readers; close one of them`);
}

function codeOf(thrown: unknown): number {
  return thrown instanceof MeshError && thrown.code === "usage" ? FEED_ENDS.usage : FEED_ENDS.failed;
}
