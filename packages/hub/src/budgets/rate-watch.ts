import type { Logger } from "@adaos/core";
import type { RateLimit } from "@adaos/core/wire";
import { delay, EVENT_ROOT, eventsStream, parseSubject, subjectsOf } from "@adaos/core/wire";
import { type Connection, HeaderReader } from "@adaos/transport-nats";
import type { JetStreamManager } from "nats";
import { MemberRates, type Overdraft } from "./member-rates.ts";

const LOOK_MS = 250;
const RETRY_MS = 1000;
/** Pages read at a time; a member with so large an excess is found at once. */
const MAX_PAGES = 8;

export interface RateWatchOptions {
  readonly subnet: string;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  /** Called after each look, several times a second: the overdrawn members change with time, too. */
  readonly onCounted: () => void;
  readonly log: Logger;
}

/**
 * Counts the events of members with limits. It reads only the headers of their events. So it costs nothing without
 * limits, and otherwise no more than those members may publish.
 */
export class RateWatch {
  readonly #options: RateWatchOptions;
  readonly #rates = new MemberRates();
  readonly #stopped = new AbortController();
  #limited: readonly string[] = [];
  /** Reads the events of these members. */
  #reader: { readonly of: readonly string[]; readonly headers: HeaderReader; nextSeq: number } | undefined;
  #onReplaced: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(options: RateWatchOptions) {
    this.#options = options;
  }

  /** Replaces the limits, by member. A member with unchanged limits keeps its count. */
  replace(limits: ReadonlyMap<string, readonly RateLimit[]>): void {
    this.#rates.replace(limits);
    const limited = [...limits].filter(([, own]) => own.length > 0).map(([node]) => node);
    if (limited.join() === this.#limited.join()) return;
    this.#limited = limited;
    this.#onReplaced();
  }

  /** The members that may publish nothing now, with time and reason. */
  overdrawn(): Map<string, Overdraft> {
    return this.#limited.length === 0 ? new Map() : this.#rates.overdrawn(Date.now());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#onReplaced();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let isLogged = false;
    while (!signal.aborted) {
      let pauseMs = LOOK_MS;
      try {
        await this.#look();
        isLogged = false;
        this.#options.onCounted();
      } catch (err) {
        this.#options.log[isLogged ? "debug" : "warn"]({ err }, "limits of members not enforced for now");
        isLogged = true;
        pauseMs = RETRY_MS;
      }
      // Without limits there is nothing to count, and a new limit does not wait.
      if (this.#reader === undefined && this.#limited.length === 0) await this.#untilReplaced();
      else await delay(pauseMs, signal);
    }
    await this.#reader?.headers.close();
  }

  #untilReplaced(): Promise<void> {
    return new Promise((resolve) => {
      this.#onReplaced = resolve;
      if (this.#stopped.signal.aborted) resolve();
    });
  }

  async #look(): Promise<void> {
    const limited = this.#limited;
    if (this.#reader?.of !== limited) {
      await this.#reader?.headers.close();
      this.#reader = undefined;
      if (limited.length === 0) return;
      this.#reader = await this.#begin(limited);
    }
    if (this.#reader === undefined) return;
    for (let pages = 0; pages < MAX_PAGES && !this.#stopped.signal.aborted; pages++) {
      const { messages, isLast } = await this.#reader.headers.next(this.#reader.nextSeq);
      for (const { seq, subject, bytes, storedMs } of messages) {
        this.#reader.nextSeq = seq + 1;
        this.#note(subject, bytes, storedMs);
      }
      if (isLast) return;
    }
  }

  /** Earlier events do not count. */
  async #begin(
    of: readonly string[],
  ): Promise<{ of: readonly string[]; headers: HeaderReader; nextSeq: number }> {
    const { subnet, connection, jsm } = this.#options;
    const stream = eventsStream(subnet);
    const { state } = await jsm.streams.info(stream);
    const filters = of.map((node) => subjectsOf(EVENT_ROOT, subnet, node));
    return { of, headers: new HeaderReader(connection, jsm, stream, filters), nextSeq: state.last_seq + 1 };
  }

  #note(subject: string, bytes: number, storedMs: number): void {
    try {
      const { node, name, version } = parseSubject(subject);
      this.#rates.note(node, name, version, bytes, storedMs);
    } catch {
      // Not an event; links and handlers report it.
    }
  }
}
