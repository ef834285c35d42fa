/*
 * The bookkeeping of events, without any I/O. Each event that was published for a durable has one fate there, and the
 * fates add up to the number of published events.
 */

/** The fate of one event at one durable. */
export type Fate =
  /** Its effect is marked as having happened. */
  | "handled"
  /** Given up: a dead letter, or one that was replayed or purged since. */
  | "dead"
  /** Waits for its schema. */
  | "parked"
  /** Not given yet, or given and not settled; or waits at a link. */
  | "pending"
  /** Policy did not let it through, or a link has refused it. */
  | "denied"
  /** Its target's stream no longer goes back so far. */
  | "expired"
  /** Settled at a durable that leaves no marks: presumed handled. */
  | "unmarked"
  /** It should have been there, or handled, and is not. */
  | "missing";

export const FATES: readonly Fate[] = [
  "handled",
  "dead",
  "parked",
  "pending",
  "denied",
  "expired",
  "unmarked",
  "missing",
];

/** An event that is missing, and where it was seen last. */
export interface MissingEvent {
  readonly id: string;
  /** `EVENTS_beta 17`: it lies there. */
  readonly place: string;
}

/** The account of one durable. */
export interface LedgerRow extends Readonly<Record<Exclude<Fate, "missing">, number>> {
  /** `beta/desk/screen` */
  readonly durable: string;
  /** Events that were published for it, wherever. */
  readonly published: number;
  readonly missing: number;
  /** The first of the missing events. */
  readonly missing_events: readonly MissingEvent[];
}

/** The maximum of missing events that are named of one durable. */
const MAX_NAMED = 100;

/** Adds up the fates of one durable's events. */
export class Account {
  readonly durable: string;
  readonly #counts = new Map<Fate, number>();
  readonly #missing: MissingEvent[] = [];

  constructor(durable: string) {
    this.durable = durable;
  }

  add(fate: Fate, event: MissingEvent): void {
    this.#counts.set(fate, this.count(fate) + 1);
    if (fate === "missing" && this.#missing.length < MAX_NAMED) this.#missing.push(event);
  }

  count(fate: Fate): number {
    return this.#counts.get(fate) ?? 0;
  }

  /** A durable without any mark keeps its marks elsewhere, or keeps none: which events it has handled is not known. */
  row(): LedgerRow {
    const leavesMarks = this.count("handled") > 0 || this.count("missing") === 0;
    const missing = leavesMarks ? this.count("missing") : 0;
    const unmarked = this.count("unmarked") + (leavesMarks ? 0 : this.count("missing"));
    const { durable } = this;
    const counts = Object.fromEntries(FATES.map((fate) => [fate, this.count(fate)]));
    return {
      durable,
      published: [...this.#counts.values()].reduce((sum, count) => sum + count, 0),
      ...(counts as Record<Fate, number>),
      ...{ unmarked, missing, missing_events: leavesMarks ? this.#missing : [] },
    };
  }
}
