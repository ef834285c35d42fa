import type { FailureHandling, History } from "../handle/failure-handling.ts";
import type { OpenedDelivery } from "../handle/open-delivery.ts";
import type { MeshError } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import type { HandlingMetrics } from "../measure/handling-metrics.ts";
import type { Logger, SchemaRegistry } from "../transport.ts";
import type { NodeAddress } from "../wire/subject.ts";
import { newDeadLetter, UNKNOWN_EVENT_RULE } from "./dead-letter.ts";
import { type FailureJournal, MAX_PARKED_AT_ONCE } from "./failure-journal.ts";

export interface ParkingSettings {
  readonly address: NodeAddress;
  readonly durable: string;
  readonly journal: FailureJournal;
  readonly registry: SchemaRegistry;
  readonly log: Logger;
  /** Called when an event was parked whose schema has come meanwhile. */
  readonly onParked: () => void;
  readonly onSettled: (outcome: "parked" | "refused" | "held") => void;
}

/** A delivery whose event is not in this node's registry. */
export interface UnknownDelivery {
  readonly opened: OpenedDelivery;
  readonly history: History;
  readonly error: MeshError;
}

/** Unknown events that are warned of; names come from strangers. */
const MAX_TOLD = 100;
/** The delay of a redelivery while the store does not answer: as long as a daemon takes to start again. */
const HOLD_MS = 1000;
const HANDED_BACK_MS = 200;

/**
 * Parks deliveries of unknown events until their schema comes, and ends them. It works beside the handlers, and on many
 * deliveries at a time. It writes no records, since nothing was tried: a process that gets such an event after a crash
 * may handle it if the schema is there by then.
 */
export class Parking {
  readonly #settings: ParkingSettings;
  readonly #failures: Pick<FailureHandling, "forget" | "putOff">;
  readonly #metrics: HandlingMetrics;
  #waiting: UnknownDelivery[] = [];
  #running = false;
  readonly #told = new Set<string>();

  constructor(
    settings: ParkingSettings,
    failures: Pick<FailureHandling, "forget" | "putOff">,
    metrics: HandlingMetrics,
  ) {
    this.#settings = settings;
    this.#failures = failures;
    this.#metrics = metrics;
  }

  /** Settles this delivery sooner or later. */
  take(unknown: UnknownDelivery): void {
    this.#waiting.push(unknown);
    if (!this.#running) void this.#run();
  }

  /** Hands back the deliveries that no request has asked to park yet. */
  handBack(): void {
    for (const { opened } of this.#waiting.splice(0)) {
      opened.delivery.settle({ kind: "nak", delayMs: HANDED_BACK_MS });
    }
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    // Deliveries of the same moment share a request.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#park(this.#waiting.splice(0, MAX_PARKED_AT_ONCE));
    this.#running = false;
  }

  async #park(batch: readonly UnknownDelivery[]): Promise<void> {
    const { durable, log, onParked, onSettled } = this.#settings;
    let refused: ReadonlySet<number>;
    try {
      refused = await this.#keep(batch);
    } catch (err) {
      log.warn({ durable, unknown: batch.length, err, delayMs: HOLD_MS }, "unknown events not parked");
      for (const { opened, history } of batch) {
        onSettled("held");
        this.#metrics.held();
        opened.delivery.settle(this.#failures.putOff(opened.delivery, history, HOLD_MS));
      }
      return;
    }
    for (const { opened, error } of batch) {
      const { delivery } = opened;
      const outcome = refused.has(delivery.seq) ? "refused" : "parked";
      this.#tell(opened, outcome, error);
      onSettled(outcome);
      this.#metrics.unknown(outcome);
      this.#failures.forget(delivery);
      delivery.settle({ kind: "term", reason: outcome === "parked" ? error.message : "no room to park it" });
    }
    // A look at parked events when the schema came has not seen these.
    if (batch.some(({ opened }) => this.#isKnown(opened))) onParked();
  }

  /** Resolves with those that are refused, once the others are stored. */
  async #keep(batch: readonly UnknownDelivery[]): Promise<ReadonlySet<number>> {
    const { journal, durable, address } = this.#settings;
    if (journal.parking !== undefined) {
      return journal.parking.park(
        durable,
        batch.map(({ opened }) => opened.delivery.seq),
      );
    }
    const handler = { ...address, durable };
    const classification = { category: "transient", rule: UNKNOWN_EVENT_RULE } as const;
    for (const { opened, error } of batch) {
      const facts = { ...opened, handler, classification, error, attempts: [], nowMs: Date.now() };
      await journal.storeDeadLetter(newDeadLetter(facts));
    }
    return new Set();
  }

  #isKnown({ address }: OpenedDelivery): boolean {
    try {
      return (
        address !== undefined && this.#settings.registry.resolve(address.name, address.version) !== undefined
      );
    } catch {
      return false;
    }
  }

  /** Thousands may come of an event: it is warned of once. */
  #tell({ address, delivery }: OpenedDelivery, outcome: "parked" | "refused", { message }: MeshError): void {
    const { log, durable } = this.#settings;
    const unknown = address === undefined ? "" : formatEventRef(address.name, address.version);
    const key = `${outcome} ${unknown}`;
    const isTold = this.#told.has(key) || this.#told.size >= MAX_TOLD;
    const reason =
      outcome === "parked" ? message : `${message}; the room for what its origin sends unknown is full`;
    const fields = { durable, subject: delivery.message.subject, seq: delivery.seq, unknown, reason };
    log[isTold ? "debug" : "warn"](fields, `unknown event ${outcome}`);
    if (!isTold) this.#told.add(key);
  }
}
