import type { Policy } from "@adaos/core";
import {
  DURABLE_METADATA,
  deniedError,
  eventsStream,
  formatSubject,
  type NodeAddress,
  type Signatures,
  subjectMatches,
  type Timer,
  type TimerFire,
  type TimerState,
  timerMessage,
} from "@adaos/core/wire";
import { type Connection, type StreamPublisher, storedMessages } from "@adaos/transport-nats";
import type { ConsumerInfo, JetStreamManager } from "nats";
import { StoredEvents } from "./stored-events.ts";
import type { TimerLimits } from "./timer-limits.ts";

export interface TimerEventsOptions {
  readonly subnet: string;
  readonly tenant: string;
  readonly policy: Policy;
  readonly signatures: Signatures | undefined;
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly publisher: StreamPublisher;
  readonly limits: TimerLimits;
}

/** Timers ask for durables once in this time together. */
const SHARED_MS = 500;

/** The place of an event, which was there at this time (of `performance.now()`). */
interface Noted {
  readonly eventId: string;
  readonly seq: number;
  readonly notedMs: number;
}

interface Consumers {
  readonly askedMs: number;
  readonly all: Promise<readonly ConsumerInfo[]>;
}

/** Publishes the fires of timers as events of their node, and finds out whether such an event is settled. */
export class TimerEvents {
  readonly #options: TimerEventsOptions;
  /** Places of the last events, by timer. */
  readonly #seqs = new Map<string, Noted>();
  readonly #stored: StoredEvents;
  #consumers: Consumers | undefined;

  constructor(options: TimerEventsOptions) {
    const { connection, subnet } = options;
    this.#options = options;
    this.#stored = new StoredEvents((subject, from, most) =>
      storedMessages(connection, eventsStream(subnet), subject, from, most),
    );
  }

  /** As {@link TimerPorts.publish}. */
  async publish(timer: Timer, fire: TimerFire, mayBeStored: boolean): Promise<void> {
    this.assertAllowed(timer.owner, timer.event);
    const message = timerMessage(this.#options, timer, fire, Date.now());
    // The server remembers an id for minutes only; an event of an earlier process may be older.
    if (mayBeStored) {
      const seq = await this.#find(timer, fire.nominalMs, message.id);
      if (seq !== undefined) return void this.#note(timer, message.id, seq);
    }
    const { limits, publisher } = this.#options;
    await limits.take(timer, message.body.length);
    const { seq } = await publisher.publish(message);
    this.#note(timer, message.id, seq);
  }

  /** Throws `denied` where policy does not let the node publish the event. */
  assertAllowed(owner: NodeAddress, { name, version }: Timer["event"]): void {
    const decision = this.#options.policy.decide({ verb: "publish", ...owner }, name, version);
    if (!decision.allowed) throw deniedError(decision);
  }

  /** As {@link TimerPorts.isRunning}. */
  async isRunning(timer: Timer, { last }: TimerState): Promise<boolean> {
    if (last === undefined) return false;
    let known = this.#seqs.get(keyOf(timer));
    if (known?.eventId !== last.eventId) {
      const seq = await this.#find(timer, last.nominalMs, last.eventId);
      if (seq === undefined) return false;
      known = this.#note(timer, last.eventId, seq);
    }
    const { seq, notedMs } = known;
    const subject = subjectOf(timer);
    return (await this.#consumersSince(notedMs)).some(
      ({ config, ack_floor, num_pending, num_ack_pending }) => {
        // A consumer that only looks on, by a prefix or `*`, does not do the work.
        const isHandler = config.metadata?.[DURABLE_METADATA.answers] === "true";
        const takes = config.filter_subjects?.some((filter) => subjectMatches(filter, subject)) === true;
        return isHandler && takes && ack_floor.stream_seq < seq && num_pending + num_ack_pending > 0;
      },
    );
  }

  /**
   * How all durables stand after `sinceMs`. Timers that ask within half a second share one answer: each costs the
   * server a look at every durable.
   */
  #consumersSince(sinceMs: number): Promise<readonly ConsumerInfo[]> {
    const nowMs = performance.now();
    const known = this.#consumers;
    if (known !== undefined && known.askedMs > sinceMs && nowMs - known.askedMs < SHARED_MS) return known.all;
    const { subnet, jsm } = this.#options;
    const asked = { askedMs: nowMs, all: allOf(jsm.consumers.list(eventsStream(subnet))) };
    this.#consumers = asked;
    asked.all.catch(() => {
      if (this.#consumers === asked) this.#consumers = undefined;
    });
    return asked.all;
  }

  /** Drops the note of a timer that nobody asks about any more. */
  forget(timer: Timer): void {
    this.#seqs.delete(keyOf(timer));
  }

  #note(timer: Timer, eventId: string, seq: number): Noted {
    const noted = { eventId, seq, notedMs: performance.now() };
    if (timer.overlap !== "allow") this.#seqs.set(keyOf(timer), noted);
    return noted;
  }

  /** The place of an event that was published at or after its nominal time. */
  #find(timer: Timer, nominalMs: number, eventId: string): Promise<number | undefined> {
    return this.#stored.find(subjectOf(timer), nominalMs - 1000, eventId);
  }
}

async function allOf<T>(list: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}

function subjectOf({ owner, event }: Timer): string {
  return formatSubject({ ...owner, name: event.name, version: event.version });
}

function keyOf({ owner, name }: Timer): string {
  return `${owner.node}/${name}`;
}
