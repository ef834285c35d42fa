import { connect } from "@adaos/client";
import { type Bus, type Logger, MeshError, newEventId } from "@adaos/core";
import { delay } from "@adaos/core/wire";
import type { ChaosMesh } from "../chaos-mesh.ts";
import { Book } from "./book.ts";
import type { Route } from "./route.ts";

/** The durable of the handler that writes the book. */
export const BOOK_DURABLE = "chaos";

const RETRY_MS = 200;
/** Errors that end when the hub is back. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "timeout", "backpressure"]);

const silent = (): void => undefined;
const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent };

/** Events at a steady rate on one route. The book records the publish and the effect of each. */
export class Traffic {
  readonly #route: Route;
  readonly #book: Book;
  readonly #publisher: Bus;
  readonly #handler: Bus;
  readonly #stopped = new AbortController();
  readonly #waiting = new Map<string, number>();
  #flows: { readonly sinceMs: number; readonly done: (atMs: number) => void }[] = [];
  #publishing: Promise<void> | undefined;
  #failure: unknown;

  private constructor(route: Route, book: Book, publisher: Bus, handler: Bus) {
    this.#route = route;
    this.#book = book;
    this.#publisher = publisher;
    this.#handler = handler;
  }

  /** Connects both ends; nothing is published yet. Rejects with `unavailable`, `denied` or `invalid-config`. */
  static async open(mesh: ChaosMesh, route: Route, bookFile: string): Promise<Traffic> {
    const options = { state: mesh.stateDir, component: "chaos", log: SILENT };
    const publisher = await connect({ ...options, as: route.from });
    try {
      const handler = await connect({ ...options, as: route.to });
      const traffic = new Traffic(route, new Book(bookFile), publisher, handler);
      const settings = { durable: BOOK_DURABLE, maxConcurrency: 1 };
      await handler.subscribe(route.event, settings, ({ event_id: id }) => traffic.#effect(id));
      return traffic;
    } catch (thrown) {
      await publisher.close();
      throw thrown;
    }
  }

  /** Publishes one event after the other, at most so many a second. */
  start(perSecond: number): void {
    this.#publishing ??= this.#publish(1000 / perSecond).catch((thrown: unknown) => {
      this.#failure = thrown;
    });
  }

  /** Resolves with the time of the first effect of an event that was published at `sinceMs` or later. */
  flowed(sinceMs: number): Promise<number> {
    return new Promise((done) => {
      this.#flows.push({ sinceMs, done });
    });
  }

  /** Events that are stored and without effect in this process. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Events in the publisher's outbox. */
  get queued(): number {
    return this.#publisher.outbox?.waiting ?? 0;
  }

  /** Stops publishing. Rejects with the error that ended publishing before. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#publishing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await this.stop().catch(() => undefined);
    await Promise.all([this.#publisher.close(), this.#handler.close()]);
    this.#book.close();
  }

  async #publish(everyMs: number): Promise<void> {
    const { signal } = this.#stopped;
    for (let nextMs = Date.now(); !signal.aborted; nextMs = Math.max(nextMs + everyMs, Date.now())) {
      await delay(Math.max(0, nextMs - Date.now()), signal);
      if (signal.aborted) return;
      const id = newEventId(Date.now());
      this.#book.write({ what: "publishing", id, atMs: Date.now() });
      this.#waiting.set(id, Date.now());
      if (await this.#untilStored(id)) this.#book.write({ what: "published", id, atMs: Date.now() });
    }
  }

  /** Keeps one id, so that an event whose receipt was lost is not stored twice. `false`: stopped before. */
  async #untilStored(eventId: string): Promise<boolean> {
    const { event, data } = this.#route;
    for (;;) {
      try {
        await this.#publisher.publish(event, data, { eventId });
        return true;
      } catch (thrown) {
        if (!(thrown instanceof MeshError) || !PASSING.has(thrown.code)) throw thrown;
        if (this.#stopped.signal.aborted) return false;
        await delay(RETRY_MS);
      }
    }
  }

  #effect(id: string): void {
    const atMs = Date.now();
    this.#book.write({ what: "effect", id, atMs });
    const publishedMs = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (publishedMs === undefined) return;
    const met = this.#flows.filter(({ sinceMs }) => sinceMs <= publishedMs);
    if (met.length === 0) return;
    this.#flows = this.#flows.filter((flow) => !met.includes(flow));
    for (const { done } of met) done(atMs);
  }
}
