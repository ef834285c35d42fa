import { delay, messageOf, subjectsOf } from "@adaos/core/wire";
import { type FollowGap, followStream, type OpenServer, openWhenThere } from "@adaos/operations";
import { type Layout, serverOf } from "@adaos/provision";
import type { StoredMessage } from "@adaos/transport-nats";

/** Every event of a stream; replays and replies lie there too. */
export const EVERY_EVENT: string = subjectsOf("evt");
/** Between two attempts at a server that refuses the connection. */
const REFUSED_MS = 2000;

/** What the followers of a stream are told. */
export interface TailListener {
  /** @param nextSeq The place behind them. */
  onMessages(at: string, messages: readonly StoredMessage[], nextSeq: number): void;
  onGap(at: string, gap: FollowGap): void;
  onAway(at: string, reason: string): void;
  onBack(at: string): void;
}

/** Follows the newest events of one stream for all its readers: one connection and one question for all of them. */
export class PlaceTail {
  readonly at: string;
  readonly #layout: () => Layout;
  readonly #listeners = new Set<TailListener>();
  readonly #ended = new AbortController();
  #server: OpenServer | undefined;
  #next: number | undefined;
  #away: string | undefined;
  #started: (() => void)[] = [];

  constructor(at: string, layout: () => Layout) {
    this.at = at;
    this.#layout = layout;
    void this.#run();
  }

  /** The place behind the newest event that the listeners were given; undefined before the server has answered. */
  get nextSeq(): number | undefined {
    return this.#next;
  }

  /** Why the server does not answer; undefined when it does. */
  get away(): string | undefined {
    return this.#away;
  }

  get isUnused(): boolean {
    return this.#listeners.size === 0;
  }

  /** Resolves with the server once it has answered; with undefined once the tail or the caller has ended. */
  async server(signal: AbortSignal): Promise<OpenServer | undefined> {
    if (this.#next === undefined && !signal.aborted && !this.#ended.signal.aborted)
      await new Promise<void>((resolve) => {
        this.#started.push(resolve);
        for (const end of [signal, this.#ended.signal])
          end.addEventListener("abort", () => resolve(), { once: true });
      });
    return signal.aborted || this.#ended.signal.aborted ? undefined : this.#server;
  }

  listen(listener: TailListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        this.#server = await openWhenThere(serverOf(this.#layout(), this.at), signal);
        try {
          await this.#follow(this.#server, signal);
        } finally {
          await this.#server.connection.close();
        }
      } catch (thrown) {
        if (signal.aborted) return;
        this.#tellAway(messageOf(thrown));
        await delay(REFUSED_MS, signal);
      }
    }
  }

  #follow(server: OpenServer, signal: AbortSignal): Promise<void> {
    const from =
      this.#next === undefined
        ? ({ kind: "now" } as const)
        : ({ kind: "after", seq: this.#next - 1 } as const);
    const reports = {
      onStart: (nextSeq: number) => {
        this.#next = nextSeq;
        for (const started of this.#started) started();
        this.#started = [];
      },
      onMessages: (messages: readonly StoredMessage[], nextSeq: number) => {
        this.#next = nextSeq;
        for (const listener of this.#listeners) listener.onMessages(this.at, messages, nextSeq);
      },
      onGap: (gap: FollowGap) => {
        for (const listener of this.#listeners) listener.onGap(this.at, gap);
      },
      onAway: (reason: string) => this.#tellAway(reason),
      onBack: () => {
        this.#away = undefined;
        for (const listener of this.#listeners) listener.onBack(this.at);
      },
    };
    return followStream(server, { filter: EVERY_EVENT, from }, reports, signal);
  }

  #tellAway(reason: string): void {
    if (this.#away !== undefined) return;
    this.#away = reason;
    for (const listener of this.#listeners) listener.onAway(this.at, reason);
  }
}

/** The tails that readers use now. One that nobody uses ends. */
export class PlaceTails {
  readonly #layout: () => Layout;
  readonly #tails = new Map<string, PlaceTail>();

  constructor(layout: () => Layout) {
    this.#layout = layout;
  }

  /** The listener must be told of by {@link PlaceTail.listen} before anything else happens. */
  of(at: string): PlaceTail {
    const known = this.#tails.get(at);
    if (known !== undefined) return known;
    const tail = new PlaceTail(at, this.#layout);
    this.#tails.set(at, tail);
    return tail;
  }

  endUnused(): void {
    for (const [at, tail] of this.#tails) {
      if (!tail.isUnused) continue;
      tail.stop();
      this.#tails.delete(at);
    }
  }
}
