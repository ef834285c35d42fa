import { type Logger, MeshError } from "@adaos/core";
import { DEFAULT_DENY, type Denial, delay, type Figure, linkSpan, messageBytes } from "@adaos/core/wire";
import type { Part, PartHealth, Progress } from "@adaos/daemon";
import {
  type AckSource,
  type Connection,
  idOfMsg,
  isServerFault,
  type OrderedMessage,
  PinnedConsumer,
  StreamWriter,
} from "@adaos/transport-nats";
import type { LinkBudget } from "../budgets/origin-budgets.ts";
import type { LinkState } from "../events/link-reports.ts";
import { LimitedLog } from "../limited-log.ts";
import type { Admits, Direction } from "./admission.ts";
import { type CarriedEvent, Carrier } from "./carrier.ts";
import type { LinkTally } from "./link-tally.ts";
import type { Pace } from "./pace.ts";

/** One direction between a subnet and the root, or from another region. They differ only in these values. */
export interface LinkOptions {
  readonly direction: Direction;
  /** The subnet, or the other region. */
  readonly subnet: string;
  readonly admission: Admits;
  readonly connection: Connection;
  /** Opens a separate connection for pulling; it is closed with the link. @default `connection` */
  readonly openSource?: (signal: AbortSignal) => Promise<Connection>;
  readonly source: AckSource & { readonly apiPrefix: string };
  /** The subject of an event at the target. */
  readonly targetSubject: (subject: string) => string;
  /** @default unlimited */
  readonly pace?: Pace;
  /** Decides whether an event has room, and whether the link may request events. */
  readonly budget: LinkBudget;
  /** Counters of links of this name since the daemon's start: a reopened link continues them. */
  readonly tally: LinkTally;
  /** Called when policy does not let an event pass. */
  readonly onDenied: (denial: Denial) => void;
  /** Called for each event that the target has stored. */
  readonly onCarried?: (subject: string, eventId: string) => void;
  /** Called when the source's durable is gone: recreates it if this daemon owns it. */
  readonly onMissing: () => void;
  readonly log: Logger;
}

/** Pause between attempts to open the pulling connection. */
const OPEN_AGAIN_MS = 1000;
/** The same after a server that broke the protocol. */
const LIED_TO_MS = 30_000;
const MAX_TEXT = 200;
/** Time for the write in flight at an orderly stop. */
const DRAIN_MS = 2000;
const NOTHING_TO_DO: Progress = { sinceMs: 0, limitMs: 1 };

/**
 * Carries events from one stream to another, at least once and in order: pull, check, store at the target, and only
 * then acknowledge at the source.
 */
export class Link implements Part {
  readonly name: string;
  readonly #options: LinkOptions;
  readonly #admission: Admits;
  readonly #stopped = new AbortController();
  readonly #log: LimitedLog;
  #opening: Promise<void> | undefined;
  #own: Connection | undefined;
  #pull: PinnedConsumer | undefined;
  #carrier: Carrier | undefined;
  #flowing = false;
  #sourceTrouble = "has not heard from the source yet";

  constructor(options: LinkOptions) {
    this.name = `link ${options.direction} ${options.subnet}`;
    this.#options = options;
    this.#admission = options.admission;
    this.#log = new LimitedLog(options.log);
  }

  async start(): Promise<void> {
    const { connection, openSource, direction } = this.#options;
    const isOwn = direction !== "down";
    this.#carrier = new Carrier({
      // The root reads its own stream, and is in its account. A wrong answer of a hub harms only its own subnet.
      target: new StreamWriter(connection, { checksDuplicates: isOwn, takesFastBatches: isOwn }),
      onStored: (event) => this.#onStored(event),
      onRefused: ({ pulled, span }, error) => {
        span.end(error);
        this.#refuse(pulled, error);
      },
      onTrouble: ({ code, message }) =>
        this.#log.warn({ link: this.name, code, reason: message.slice(0, MAX_TEXT) }, "link target trouble"),
    });
    if (openSource === undefined) this.#pullBy(connection);
    else this.#opening = this.#open(openSource);
  }

  /** Never rejects. */
  async #open(openSource: NonNullable<LinkOptions["openSource"]>): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const own = await openSource(signal);
        this.#own = own;
        if (!signal.aborted) this.#pullBy(own);
        return;
      } catch (thrown) {
        const err = MeshError.from(thrown, "unavailable", "the connection for it cannot be opened");
        this.#sourceTrouble = err.message;
        if (!signal.aborted) this.#log.warn({ link: this.name, err }, "link connection refused");
        await delay(isServerFault(thrown) ? LIED_TO_MS : OPEN_AGAIN_MS, signal);
      }
    }
  }

  #pullBy(connection: Connection): void {
    const { source, onMissing, pace } = this.#options;
    this.#pull = new PinnedConsumer(connection, {
      ...source,
      ...(pace === undefined ? {} : { pace }),
      log: this.#log,
      onMissing,
      onState: (state) => {
        if (state.flowing !== this.#flowing)
          this.#log.info(
            { link: this.name, ...state },
            state.flowing ? "link source flowing" : "link source away",
          );
        this.#flowing = state.flowing;
        if (!state.flowing) this.#sourceTrouble = state.reason;
      },
      onMessage: (pulled) => this.#onPulled(pulled),
      onVoid: () => this.#withdraw(new MeshError("unavailable", "another root daemon carries")),
    });
  }

  async stop(): Promise<void> {
    this.#pull?.quiet();
    await this.#carrier?.stop(DRAIN_MS);
    this.#stopped.abort();
    await this.#opening;
    // Unacknowledged events stay at the source and are redelivered to the next client that pulls.
    await this.#pull?.stop();
    await this.#own?.close();
    this.#withdraw(new MeshError("closed", "the link was stopped"));
  }

  health(): PartHealth {
    const standsBy = !this.isServed;
    const details = {
      carried: this.#options.tally.carried,
      refused: this.#options.tally.refusedInAll,
      waiting: this.#pull?.held ?? 0,
      standsBy,
      ...(this.#pull === undefined || this.#pull.unasked === 0 ? {} : { unasked: this.#pull.unasked }),
    };
    // The near end is the root's own server, which the mesh's stream judges.
    const farEnd = this.#options.direction === "down" ? "target" : "source";
    const broken = (end: "source" | "target", why: string): PartHealth => {
      return { ready: false, reason: `${end}: ${why}`, ...(end === farEnd ? { isFar: true } : {}), details };
    };
    if (!this.#flowing) return broken("source", this.#own?.fault ?? this.#sourceTrouble);
    const trouble = this.#carrier?.trouble;
    if (trouble !== undefined) return broken("target", trouble.slice(0, MAX_TEXT));
    const note = this.#options.budget.waitReason();
    return { ready: true, ...(note === undefined ? {} : { note }), details };
  }

  /** Its state for `mesh.link.up@1` and `mesh.link.down@1`. */
  get state(): LinkState {
    const { subnet, direction } = this.#options;
    const { ready, reason = "carries no events" } = this.health();
    return { subnet, direction, trouble: ready ? undefined : reason, waiting: this.#pull?.held ?? 0 };
  }

  /** Whether this daemon, of several root daemons, serves the link. */
  get isServed(): boolean {
    return this.#pull?.isServed === true;
  }

  figures(): readonly Figure[] {
    const { subnet, direction, tally, budget } = this.#options;
    const labels = [subnet, direction];
    const asNumber = (value: boolean): number => (value ? 1 : 0);
    const { ready, reason: cause } = this.health();
    return [
      {
        metric: "linkReady",
        labels,
        value: asNumber(ready),
        ...(cause === undefined ? {} : { cause: `link ${direction}: ${cause}` }),
      },
      { metric: "linkCarried", labels, value: tally.carried },
      ...[...tally.refused].map(([code, count]): Figure => {
        return { metric: "linkRefused", labels: [...labels, code], value: count };
      }),
      { metric: "linkInHand", labels, value: this.#pull?.held ?? 0 },
      { metric: "linkHeld", labels, value: asNumber(budget.waitReason() !== undefined) },
      { metric: "linkStandsBy", labels, value: asNumber(!this.isServed) },
    ];
  }

  progress(): Progress {
    return this.#carrier?.progress ?? NOTHING_TO_DO;
  }

  /** The place in its source up to which it has carried everything; undefined while unknown. */
  get carriedTo(): number | undefined {
    return this.#pull?.doneSeq;
  }

  #onPulled(pulled: OrderedMessage): void {
    this.#flowing = true;
    try {
      const { msg, isRedelivered: mayBeStored } = pulled;
      const { direction, subnet, budget, targetSubject } = this.#options;
      if (this.#admission.isOwn(msg.subject)) return pulled.done();
      const origin = this.#admission.admitSubject(msg.subject);
      budget.assertRoom(origin.subnet);
      const admitted = this.#admission.admit(msg, origin, pulled.storedMs);
      const span = linkSpan(admitted, direction, subnet);
      const { id, body } = admitted.message;
      const message = { subject: targetSubject(msg.subject), id, headers: span.headers, body };
      const bytes = messageBytes(message);
      this.#carrier?.add({ message, bytes, pulled, origin: origin.subnet, span, mayBeStored });
    } catch (thrown) {
      this.#refuse(pulled, MeshError.from(thrown, "internal", "event cannot be checked"));
    }
  }

  /** Skips a refused event, and reports it. */
  #refuse(pulled: OrderedMessage, { code, message, rule = DEFAULT_DENY }: MeshError): void {
    const { direction, subnet, pace, tally, onDenied } = this.#options;
    tally.refuse(code);
    pace?.refuse();
    const { subject } = pulled.msg;
    const reason = message.slice(0, MAX_TEXT);
    if (code === "denied") {
      const hop = direction === "up" ? "export" : "import";
      const eventId = idOfMsg(pulled.msg);
      const denial = { hop, node: subnet, event: subject, rule, reason } as const;
      onDenied({ ...denial, ...(eventId === "" ? {} : { eventId }) });
    } else
      this.#log.warn({ link: this.name, subject, seq: pulled.seq, code, reason }, "link refused an event");
    pulled.done();
  }

  #onStored({ message, pulled, origin, span }: CarriedEvent): void {
    this.#options.tally.carried++;
    this.#options.budget.stored(origin, message.body.length);
    this.#options.onCarried?.(pulled.msg.subject, message.id);
    span.end();
    pulled.done();
  }

  #withdraw(why: MeshError): void {
    for (const { span } of this.#carrier?.withdraw() ?? []) span.end(why);
  }
}
