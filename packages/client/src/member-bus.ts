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

/** An event that a bus has published. */
export interface PublishedBefore {
  readonly event_id: string;
  /** As the program named it: with its version or without. */
  readonly ref: string;
  readonly data: unknown;
}

export interface MemberBusOptions extends BusOptions {
  /** Keeps published events for tests: the newest {@link MAX_HISTORY}, as long as the bus exists. @default false */
  readonly history?: boolean;
}

const MAX_HISTORY = 1000;

/** The bus of a member: the functions of every bus, and probes of services that the member needs besides the mesh. */
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
   * Checks a database or service at intervals until the bus is closed. Publishes each change of its connection and
   * health as this member: `infra.database.*`. Resolves after the first check, whatever it found. A second call with
   * the same name and options returns the running probe. Rejects with MeshError `usage`, `invalid-config` (its driver
   * is not installed), `closed`, or, with `failFast`, `unavailable`.
   */
  async probe(name: string, options: ProbeOptions): Promise<Probe> {
    return this.#probes.start(name, options);
  }

  /** The health of all probes, as of their last checks. */
  get probes(): readonly ProbeHealth[] {
    return this.#probes.health();
  }

  /** The published events, oldest first; empty unless the bus was opened with `history`. */
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
  /** Passes every event of a class to `onEvent`, as an instance of it; otherwise as for the event's name. */
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
    // The bus still publishes the last events of the probes.
    this.#stopping ??= this.#probes.stop();
    return this.#stopping.then(
      () => super.close(),
      () => super.close(),
    );
  }
}
