import {
  Bus,
  type BusOptions,
  type EventData,
  type HandlerContext,
  type OnEvent,
  type Published,
  type PublishOptions,
  type Subscription,
  type SubscriptionOptions,
} from "@adaos/core";
import { type EventClass, type Probe, type ProbeHealth, type ProbeOptions, Probes } from "@adaos/probes";

/** What a bus has published. */
export interface PublishedBefore {
  readonly event_id: string;
  /** As it was published: with its version or without. */
  readonly ref: string;
  readonly data: unknown;
}

export interface MemberBusOptions extends BusOptions {
  /** Keeps what is published, for tests: the newest {@link MAX_HISTORY} events, as long as the bus. @default false */
  readonly history?: boolean;
}

const MAX_HISTORY = 1000;

/** The bus of a member: what every bus does, and probes of what the member needs beside the mesh. */
export class MemberBus extends Bus {
  readonly #probes: Probes;
  readonly #history: PublishedBefore[] | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: MemberBusOptions) {
    super(options);
    this.#history = options.history === true ? [] : undefined;
    this.#probes = new Probes({
      log: options.log,
      metrics: options.metrics,
      app: `adaos-${options.component ?? "app"}`,
      publish: (event) => this.publish(event.ref, event.payload(), { eventId: event.event_id }),
    });
    options.metrics?.reportProbes(() => this.#probes.health());
  }

  /**
   * Looks at a database or service from time to time until the bus is closed, and publishes each change of its
   * connection and health as this member: `infra.database.*`. Resolves after the first look, whatever it found. Asked
   * for again under one name with the same options, the probe that runs is meant. Rejects with MeshError `usage`,
   * `invalid-config` (its driver is not installed), `closed`, or, with `failFast`, `unavailable`.
   */
  async probe(name: string, options: ProbeOptions): Promise<Probe> {
    return this.#probes.start(name, options);
  }

  /** How all that is probed is, as of the last looks. */
  get probes(): readonly ProbeHealth[] {
    return this.#probes.health();
  }

  /** What it has published, oldest first; empty unless it was opened with `history`. */
  get history(): readonly PublishedBefore[] {
    return this.#history ?? [];
  }

  override publish<Ref extends string>(
    ref: Ref,
    data: EventData<Ref>,
    options?: PublishOptions,
  ): Promise<Published> {
    const published = super.publish(ref, data, options);
    const history = this.#history;
    if (history === undefined) return published;
    return published.then((receipt) => {
      history.push({ event_id: receipt.eventId, ref, data });
      if (history.length > MAX_HISTORY) history.shift();
      return receipt;
    });
  }

  override subscribe<Pattern extends string>(
    pattern: Pattern,
    options: SubscriptionOptions,
    onEvent: OnEvent<EventData<Pattern>>,
  ): Promise<Subscription>;
  /** Hands every event of a class to `onEvent`, as an instance of it; else as with its name. */
  override subscribe<T>(
    eventClass: EventClass<T>,
    options: SubscriptionOptions,
    onEvent: (event: T, context: HandlerContext) => unknown,
  ): Promise<Subscription>;
  override subscribe(
    wanted: string | EventClass<unknown>,
    options: SubscriptionOptions,
    onEvent: (event: never, context: HandlerContext) => unknown,
  ): Promise<Subscription> {
    if (typeof wanted === "string") return super.subscribe(wanted, options, onEvent as OnEvent<unknown>);
    const handle = onEvent as (event: unknown, context: HandlerContext) => unknown;
    return super.subscribe(wanted.eventName, options, (envelope, context) =>
      handle(wanted.from(envelope), context),
    );
  }

  override close(): Promise<void> {
    if (this.#probes.size === 0) return super.close();
    // Their last events are published yet.
    this.#stopping ??= this.#probes.stop();
    return this.#stopping.then(
      () => super.close(),
      () => super.close(),
    );
  }
}
