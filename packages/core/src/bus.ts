import type { KeyObject } from "node:crypto";
import { setMaxListeners } from "node:events";
import { type BusStats, noStats } from "./bus-stats.ts";
import type { FailureJournal } from "./dead-letter/failure-journal.ts";
import { ParkedEvents } from "./dead-letter/parked-events.ts";
import type { ConsumerSettings, OnEvent, SubscriptionOptions } from "./handle/consume.ts";
import { Consumer } from "./handle/consume.ts";
import { RunCures } from "./handle/cure-times.ts";
import { type MarksChoice, onceOf } from "./handle/once.ts";
import { resolveRetry } from "./handle/retry-policy.ts";
import { assertWithin } from "./language/assert-within.ts";
import type { Envelope } from "./language/envelope.ts";
import { MeshError } from "./language/errors.ts";
import type { EventData, ReplyData } from "./language/event-map.ts";
import { parseEventRef, quote } from "./language/event-name.ts";
import { type EventPattern, parseEventPattern } from "./language/event-pattern.ts";
import type { Exposition } from "./measure/exposition.ts";
import type { Metrics } from "./measure/metrics.ts";
import { type MessageSpan, publishSpan } from "./measure/tracing.ts";
import { DEFAULT_TENANT } from "./policy/mesh.ts";
import { deniedError, type Policy } from "./policy/policy.ts";
import type { RateLimits } from "./policy/rate-limits.ts";
import { Deprecations } from "./publish/deprecations.ts";
import { EventForms } from "./publish/event-forms.ts";
import { NO_OPTIONS, type Published, type PublishOptions, prepareEvent } from "./publish/publish.ts";
import type { Signatures } from "./publish/signatures.ts";
import { replySecret } from "./request/reply-proof.ts";
import { type RequestOptions, request } from "./request/request.ts";
import { Responder } from "./request/responder.ts";
import { type RunContext, type RunOptions, type RunResult, runAction } from "./run/run.ts";
import { resolveTimer, type TimerOptions } from "./timer/timer.ts";
import type { TimerInfo } from "./timer/timer-info.ts";
import type { Logger, OutboxStatus, SchemaRegistry, Subscription, Timers, Transport } from "./transport.ts";
import { OUTBOX_STREAM } from "./wire/names.ts";
import { type NodeAddress, originTokenProblem } from "./wire/subject.ts";

export interface BusOptions {
  readonly address: NodeAddress;
  readonly transport: Transport;
  readonly registry: SchemaRegistry;
  readonly policy: Policy;
  readonly log: Logger;
  /** Stores dead letters and the state of failing deliveries. */
  readonly journal: FailureJournal;
  /** Where the marks of handled events are kept, unless a subscription chooses otherwise. */
  readonly marks: MarksChoice;
  /** Counts the bus's work. @default nothing is counted */
  readonly metrics?: Metrics;
  /** The part of `source` before `@`. @default "app" */
  readonly component?: string;
  /** @default no limits */
  readonly limits?: RateLimits;
  /** Tenant of the node's subnet. @default "default" */
  readonly tenant?: string;
  /** Keys that sign and verify events. @default events are not signed */
  readonly signatures?: Signatures;
  /**
   * Secret from which the node derives the keys of its requests. With the same secret, a process can take the reply
   * to a request that an earlier process sent under the same event id.
   * @default a random secret for this bus
   */
  readonly replySecret?: KeyObject;
  /** Called after the bus has disconnected, to close resources opened with it. */
  readonly onClosed?: () => Promise<void>;
}

/**
 * Publishes and subscribes typed events as one node. It applies every rule of the mesh that no transport decides.
 */
export class Bus {
  readonly address: NodeAddress;
  readonly stats: BusStats = noStats();
  readonly #options: BusOptions & {
    readonly component: string;
    readonly tenant: string;
    readonly deprecations: Deprecations;
    readonly forms: EventForms;
  };
  readonly #subscriptions = new Set<Subscription>();
  readonly #closed = new AbortController();
  /** Undefined where the journal parks no unknown events. */
  readonly #parked: ParkedEvents | undefined;
  readonly #replySecret: KeyObject;
  readonly #cures = new RunCures();
  #closing: Promise<void> | undefined;

  constructor(options: BusOptions) {
    this.address = options.address;
    const { address, log, journal, registry } = options;
    const deprecations = new Deprecations(`${address.subnet}/${address.node}`, log);
    this.#options = {
      component: "app",
      tenant: DEFAULT_TENANT,
      ...options,
      deprecations,
      forms: new EventForms(),
    };
    this.#parked = journal.parking && new ParkedEvents(journal.parking, registry, log);
    // Every request in flight adds a listener to it.
    setMaxListeners(0, this.#closed.signal);
    this.#replySecret = options.replySecret ?? replySecret();
  }

  /** Events that wait on this machine's disk for the hub; undefined without an outbox. */
  get outbox(): OutboxStatus | undefined {
    return this.#options.transport.outbox;
  }

  /**
   * The metrics of this bus, for the program's own `/metrics`; undefined where counting is off.
   * @param accept The Accept header of the scrape: it chooses between Prometheus' text format and OpenMetrics.
   */
  metrics(accept?: string): Exposition | undefined {
    return this.#options.metrics?.answer(accept);
  }

  /** How often each deprecated event was published or received by this bus, by `name@major`. */
  get deprecated(): Readonly<Record<string, number>> {
    return this.#options.deprecations.counts;
  }

  /** The node's timers: to list, remove, pause, resume and trigger them. */
  get timers(): Omit<Timers, "put"> {
    this.#assertOpen();
    return this.#options.transport.timers;
  }

  /**
   * Makes a timer: the hub publishes this event as this node at the times that `when` names, also while no program of
   * the node runs. Without `data` the event holds the timer's name and the time, as `timer.tick` does. One of the same
   * name is changed; one that fires the same already is left alone. Rejects as {@link publish} does, and with `usage`.
   */
  async schedule<Ref extends string>(
    name: string,
    when: TimerOptions,
    ref: Ref,
    data?: EventData<Ref>,
  ): Promise<TimerInfo> {
    this.#assertOpen();
    const nowMs = Date.now();
    const sample = data ?? { timer: name, scheduled_at: new Date(nowMs).toISOString() };
    const { envelope } = prepareEvent(this.#options, ref, sample, NO_OPTIONS, nowMs);
    const { event_name, version, kind } = envelope;
    return this.#options.transport.timers.put(
      resolveTimer(name, when, { name: event_name, version, kind }, data, nowMs),
    );
  }

  /**
   * Publishes one event, named with its version (`ui.notify@1`) or without (the newest). Resolves when the hub has
   * stored it, or, while the hub is away, when this machine's outbox has (`stream` is `outbox` then). Calls made in
   * one tick keep their order. Rejects with MeshError `denied`, `unknown-event`, `invalid-event`, `too-large`,
   * `backpressure`, `unavailable`, `timeout` (the outcome is unknown: repeat with the same `eventId`) or `closed`.
   */
  publish<Ref extends string>(
    ref: Ref,
    data: EventData<Ref>,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<Published> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    const startMs = performance.now();
    // Without async functions: each would add two promises to an event that needs five in all.
    let span: MessageSpan | undefined;
    const onFailed = (thrown: unknown): never => {
      span?.end(thrown);
      throw this.#countFailed(thrown);
    };
    try {
      const prepared = prepareEvent(this.#options, ref, data, options, Date.now());
      const { envelope, message } = prepared;
      this.#options.limits?.take(envelope.event_name, envelope.version, message.body.length);
      span = publishSpan(prepared);
      const { headers } = span;
      const traced = headers === message.headers ? message : { ...message, headers };
      return this.#options.transport.publish(traced).then(({ stream, seq, duplicate }) => {
        span?.end();
        if (stream === OUTBOX_STREAM) this.stats.queued++;
        this.#countPublished(envelope.event_name, startMs);
        return { eventId: envelope.event_id, subject: message.subject, stream, seq, duplicate };
      }, onFailed);
    } catch (thrown) {
      span?.end(thrown);
      return Promise.reject(this.#countFailed(thrown));
    }
  }

  /**
   * Publishes an event for every node that may subscribe to it. Each node with a durable for it gets the event,
   * also one that was away, when it is back. Processes that share a durable share its events. Rejects as {@link
   * publish} does, and with `usage` for a command or a reply, which have one addressee.
   */
  async broadcast<Ref extends string>(
    ref: Ref,
    data: EventData<Ref>,
    options: PublishOptions = NO_OPTIONS,
  ): Promise<Published> {
    const { name, version } = parseEventRef(ref);
    const { kind } = this.#options.registry.resolve(name, version);
    if (kind !== "event") throw new MeshError("usage", `${ref} is a ${kind}; only an event is broadcast`);
    return this.publish(ref, data, options);
  }

  /**
   * Publishes a command and waits for the reply that its handler returns, named `<command>.result` in the registry.
   * The command is stored like any event, so its handler runs even if it is late. The subnet does not store a
   * command that the registry delivers at most once. Rejects as {@link publish} does, and with `no-handler`
   * (nothing was sent), `failed` (its handler failed for good) or `timeout` (it may still run).
   */
  async request<Ref extends string>(
    ref: Ref,
    data: EventData<Ref>,
    options: RequestOptions = {},
  ): Promise<Envelope<ReplyData<Ref>>> {
    this.#assertOpen();
    assertWithin("timeoutMs", options.timeoutMs ?? 10_000, 100, 3_600_000);
    const transport = this.#options.transport;
    const closed = this.#closed.signal;
    const publish: Transport["publish"] = (message, how) =>
      this.#counted(ref, () => transport.publish(message, how));
    const ask: Transport["ask"] = (message, signal, accepts) =>
      this.#counted(ref, () => transport.ask(message, signal, accepts));
    const reply = await request(
      { ...this.#options, publish, ask, replySecret: this.#replySecret },
      ref,
      data,
      options,
      closed,
    );
    // The registry's schema has proven the type argument.
    return reply as Envelope<ReplyData<Ref>>;
  }

  /**
   * Hands every event of `pattern` (`ui.notify@1`, `ui.notify`, `ui.` or `*`) to `onEvent`, in order of arrival, from
   * the position that `durable` remembers. Rejects with MeshError `denied`, `usage`, `unavailable` or `closed`.
   */
  async subscribe<Pattern extends string>(
    pattern: Pattern,
    options: SubscriptionOptions,
    onEvent: OnEvent<EventData<Pattern>>,
  ): Promise<Subscription> {
    this.#assertOpen();
    const parsed = parseEventPattern(pattern);
    const settings = this.#consumerSettings(parsed, options);
    const decision = this.#options.policy.decidePattern({ verb: "subscribe", ...this.address }, parsed);
    if (!decision.allowed) throw deniedError(decision);
    // The registry's schema proves the pattern's type argument before the handler runs.
    const consumer = new Consumer(settings, onEvent as OnEvent<unknown>);
    const carried = await this.#options.transport.subscribe(
      {
        durable: settings.durable,
        pattern: parsed,
        from: options.from ?? {},
        maxAckPending: Math.min(Math.max(settings.maxConcurrency * 16, MIN_ACK_PENDING), 1000),
        startAt: options.startAt ?? "new",
        answers: settings.responder !== undefined,
        ...(settings.maxConcurrency === 1 ? { inOrder: true } : {}),
      },
      (delivery) => consumer.take(delivery),
    );
    if (this.#closing !== undefined) {
      // The bus was closed while the transport subscribed: only this call can stop the subscription.
      await carried.stop();
      this.#assertOpen();
    }
    const subscription: Subscription = {
      stop: async (graceMs) => {
        consumer.handBack();
        this.#parked?.remove(settings.durable);
        this.#subscriptions.delete(subscription);
        await carried.stop(graceMs);
      },
    };
    this.#subscriptions.add(subscription);
    this.#parked?.add(settings.durable);
    return subscription;
  }

  /**
   * Runs an action of this process as a handler is run: with a deadline, retries and a record of every attempt. The
   * record is found by the run's id or `tags`. A run that fails for good becomes a dead letter. Rejects with
   * `failed`, which carries the run's id and whose cause is the last failure, with `usage` or `closed`.
   */
  async run<T>(
    name: string,
    action: (context: RunContext) => T | Promise<T>,
    options: RunOptions = {},
  ): Promise<RunResult<T>> {
    this.#assertOpen();
    assertWithin("timeoutMs", options.timeoutMs ?? 30_000, 100, 3_600_000);
    const runner = { ...this.#options, address: this.address, cures: this.#cures };
    return runAction(runner, name, action, options, this.#closed.signal);
  }

  /**
   * Lets running handlers finish, returns deliveries that have not begun, sends queued messages, then disconnects.
   * Safe to call twice.
   */
  close(): Promise<void> {
    this.#closed.abort(new MeshError("closed", "the bus was closed"));
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#parked?.close();
      await Promise.all([...this.#subscriptions].map((subscription) => subscription.stop()));
    } finally {
      await this.#options.metrics?.close();
      // The transport disconnects, also when a subscription fails to stop.
      await this.#options.transport.close().finally(this.#options.onClosed);
    }
  }

  /** Counts a publish and its duration, or its error code. */
  async #counted<T>(ref: string, publish: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    try {
      const published = await publish();
      this.#countPublished(ref.split("@")[0] ?? ref, startMs);
      return published;
    } catch (thrown) {
      throw this.#countFailed(thrown);
    }
  }

  #countPublished(name: string, startMs: number): void {
    this.stats.published++;
    const { metrics } = this.#options;
    if (metrics === undefined) return;
    metrics.count("published", [name]);
    metrics.observe("publishMs", performance.now() - startMs);
  }

  #countFailed(thrown: unknown): unknown {
    this.#options.metrics?.count("publishFailed", [thrown instanceof MeshError ? thrown.code : "other"]);
    return thrown;
  }

  /** Whether the node may subscribe to this pattern, decided anew whenever the policy has changed. */
  #askedOnce(pattern: EventPattern): () => boolean {
    const { policy, log } = this.#options;
    let revision = policy.revision;
    let allowed = true;
    return () => {
      if (revision !== policy.revision) {
        revision = policy.revision;
        const decision = policy.decidePattern({ verb: "subscribe", ...this.address }, pattern);
        if (allowed && !decision.allowed)
          log.warn({ rule: decision.rule }, `subscription stands still: ${decision.reason}`);
        allowed = decision.allowed;
      }
      return allowed;
    };
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #consumerSettings(pattern: EventPattern, options: SubscriptionOptions): ConsumerSettings {
    const answers = options.answers ?? pattern.kind === "name";
    const { durable, maxConcurrency = 16, timeoutMs = 30_000 } = options;
    const problem = originTokenProblem(durable);
    if (problem !== undefined) throw new MeshError("usage", `durable ${quote(durable)} ${problem}`);
    assertWithin("maxConcurrency", maxConcurrency, 1, 1000);
    assertWithin("timeoutMs", timeoutMs, 100, 3_600_000);
    const { address, tenant, registry, signatures, log, journal, transport } = this.#options;
    return {
      address,
      tenant,
      isAllowed: this.#askedOnce(pattern),
      durable,
      maxConcurrency,
      timeoutMs,
      registry,
      signatures,
      log,
      retry: resolveRetry(options.retry),
      rules: options.classify ?? [],
      journal,
      once: onceOf(options.idempotency, { durable, maxConcurrency, timeoutMs }, this.#options.marks),
      metrics: options.counted === false ? undefined : this.#options.metrics,
      responder: answers ? new Responder(this.#options, transport, log) : undefined,
      deprecations: this.#options.deprecations,
      onParked: () => this.#parked?.look(),
      onSettled: (outcome) => this.stats[outcome]++,
    };
  }
}

function closedError(): MeshError {
  return new MeshError("closed", "the bus is closed; connect again");
}

/** Limit of unknown events that are being parked, however few handlers run. */
const MIN_ACK_PENDING = 128;
