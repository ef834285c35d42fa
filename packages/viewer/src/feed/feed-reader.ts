import { delay, messageOf, visibleJson } from "@adaos/core/wire";
import type { EventMask, FollowGap } from "@adaos/operations";
import type { StoredMessage } from "@adaos/transport-nats";
import type { FeedMessage } from "../api/feed.ts";
import { catchUp } from "./catch-up.ts";
import { FEED_ENDS, type FeedChannel } from "./channel.ts";
import { FeedFilter } from "./feed-filter.ts";
import type { FeedQuery } from "./feed-query.ts";
import type { PlaceTail, PlaceTails, TailListener } from "./place-tail.ts";
import { Positions } from "./positions.ts";
import { Sampler } from "./sampler.ts";
import { SeenMessage } from "./seen-message.ts";

/** Bytes that may wait for one reader. Above it events are left out, as above its rate. */
const MAX_WAITING_BYTES = 1_048_576;
/** A reader that leaves so many bytes waiting for so long is disconnected. */
const SLOW_MS = 10_000;
const ROOM_MS = 20;

/** Shares decoded messages between readers. */
export interface SeenMessages {
  of(at: string, message: StoredMessage): SeenMessage;
  readonly mask: EventMask;
}

/** One reader of the feed: what it asked for, its place in every stream, and the way to it. */
export class FeedReader implements TailListener {
  readonly #query: FeedQuery;
  readonly #channel: FeedChannel;
  readonly #seen: SeenMessages;
  readonly #filter: FeedFilter;
  readonly #sampler: Sampler;
  readonly #positions = new Positions();
  readonly #ended = new AbortController();
  readonly #unlisten: (() => void)[] = [];
  #fullSinceMs: number | undefined;

  constructor(query: FeedQuery, channel: FeedChannel, seen: SeenMessages) {
    this.#query = query;
    this.#channel = channel;
    this.#seen = seen;
    this.#filter = new FeedFilter(query);
    this.#sampler = new Sampler(query.eventsPerSecond, performance.now());
  }

  /** Begins in every stream. */
  start(tails: PlaceTails): void {
    const { places, eventsPerSecond } = this.#query;
    const used = places.map((at) => tails.of(at));
    for (const tail of used) this.#standAt(tail);
    const { id } = this.#positions;
    // With its id: a reader that leaves before the first event goes on from here.
    this.#channel.send(
      visibleJson({ type: "start", id, places, rate: eventsPerSecond } satisfies FeedMessage),
      id,
    );
    for (const tail of used) {
      if (tail.away !== undefined) this.onAway(tail.at, tail.away);
      this.#follow(tail);
    }
  }

  onMessages(at: string, messages: readonly StoredMessage[], nextSeq: number): void {
    const nowMs = performance.now();
    const readFrom = (this.#positions.seqOf(at) ?? 0) + 1;
    for (const message of messages) {
      if (message.seq < readFrom) continue;
      this.#positions.set(at, message.seq);
      const seen = this.#seen.of(at, message);
      if (!this.#filter.takesSubject(at, seen.address)) continue;
      // Without a filter that reads events, one that is not sent is not decoded.
      if (this.#filter.readsEvents && !this.#takes(seen)) continue;
      if (!this.#hasRoom(nowMs) || !this.#sampler.hasRoom(nowMs)) {
        this.#sampler.leftOut();
        continue;
      }
      this.#sampler.sent();
      this.#sendEvent(seen);
    }
    this.#positions.set(at, Math.max(this.#positions.seqOf(at) ?? 0, nextSeq - 1));
  }

  onGap(at: string, { fromSeq, toSeq, isAnew }: FollowGap): void {
    if (isAnew) this.#positions.forget(at);
    const reason = isAnew ? "the stream was made anew" : "the stream does not hold them any more";
    this.#tell({ type: "gap", at, fromSeq, toSeq, reason });
  }

  onAway(at: string, reason: string): void {
    this.#tell({ type: "away", at, reason });
  }

  onBack(at: string): void {
    this.#tell({ type: "back", at });
  }

  /** Tells how much was left out, and ends a reader that takes nothing. Called every second. */
  look(nowMs: number): void {
    if (!this.#hasRoom(nowMs)) {
      if (nowMs - (this.#fullSinceMs ?? nowMs) < SLOW_MS) return;
      const why = `the reader took nothing for ${SLOW_MS / 1000} s`;
      return this.end(FEED_ENDS.slow, why);
    }
    const sampled = this.#sampler.take(nowMs);
    if (sampled !== undefined) this.#tell({ type: "sampled", ...sampled });
  }

  /** Called every 10 s. A reader whose filter lets nothing pass learns its place by it. */
  beat(): void {
    this.#channel.ping();
    const id = this.#positions.id;
    this.#channel.send(
      visibleJson({ type: "beat", id, time: new Date().toISOString() } satisfies FeedMessage),
      id,
    );
  }

  end(code: number, reason: string): void {
    this.close();
    this.#channel.end(code, reason);
  }

  /** The reader has left. */
  close(): void {
    this.#ended.abort();
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
  }

  /**
   * Sets the place where a reader begins. Every id must have every stream: a reader that goes on from an id without
   * one would miss what that stream stores in between.
   */
  #standAt({ at, nextSeq }: PlaceTail): void {
    const { after, sinceMs } = this.#query;
    const left = after?.get(at);
    if (left?.kind === "after") this.#positions.set(at, left.seq);
    else if (left !== undefined) this.#positions.setTime(at, left.ms);
    else if (after === undefined && sinceMs !== undefined) this.#positions.setTime(at, Date.now() - sinceMs);
    else if (nextSeq !== undefined) this.#positions.set(at, nextSeq - 1);
    else this.#positions.setTime(at, Date.now());
  }

  #follow(tail: PlaceTail): void {
    const from = this.#positions.of(tail.at);
    if (from === undefined || (from.kind === "after" && from.seq + 1 === tail.nextSeq)) {
      this.#unlisten.push(tail.listen(this));
      return;
    }
    // It is told of absences at once, and of messages once it has caught up.
    const unlisten = tail.listen({
      onMessages: () => undefined,
      onGap: () => undefined,
      onAway: (at, reason) => this.onAway(at, reason),
      onBack: (at) => this.onBack(at),
    });
    this.#unlisten.push(unlisten);
    const { signal } = this.#ended;
    const reader = {
      onBegin: (nextSeq: number) => this.#positions.set(tail.at, nextSeq - 1),
      onPast: (messages: readonly StoredMessage[]) => this.#onPast(tail.at, messages),
      onLeftOut: (fromSeq: number, toSeq: number, reason: string) =>
        this.#tell({ type: "gap", at: tail.at, fromSeq, toSeq, reason }),
      onCaughtUp: (nextSeq: number) => {
        unlisten();
        this.#positions.set(tail.at, nextSeq - 1);
        this.#unlisten.push(tail.listen(this));
      },
    };
    catchUp(tail, { from, query: this.#query }, reader, signal).catch((thrown: unknown) =>
      this.end(FEED_ENDS.failed, `the past of ${tail.at} cannot be read: ${messageOf(thrown)}`),
    );
  }

  /** Of the past every event is sent, as fast as the reader takes them. */
  async #onPast(at: string, messages: readonly StoredMessage[]): Promise<void> {
    for (const message of messages) {
      while (!this.#hasRoom(performance.now())) {
        await delay(ROOM_MS, this.#ended.signal);
        if (this.#ended.signal.aborted) return;
      }
      this.#positions.set(at, message.seq);
      const seen = new SeenMessage(at, message, this.#seen.mask);
      if (!this.#filter.takesSubject(at, seen.address)) continue;
      if (this.#filter.readsEvents && !this.#takes(seen)) continue;
      this.#sampler.sentOfPast();
      this.#sendEvent(seen);
    }
  }

  #takes(seen: SeenMessage): boolean {
    return seen.shown !== undefined && this.#filter.takesEvent(seen.shown);
  }

  #sendEvent(seen: SeenMessage): void {
    const id = this.#positions.id;
    this.#channel.send(seen.json(id), id);
  }

  #tell(message: FeedMessage): void {
    this.#channel.send(visibleJson(message));
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#channel.waitingBytes <= MAX_WAITING_BYTES) {
      this.#fullSinceMs = undefined;
      return true;
    }
    this.#fullSinceMs ??= nowMs;
    return false;
  }
}
