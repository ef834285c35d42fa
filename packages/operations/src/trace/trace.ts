import type { Envelope } from "@adaos/core";
import type { EventConsumer } from "../standing/event-consumer.ts";
import type { FailuresAt } from "../standing/failures-at.ts";

/** A message of a trace where it lies, without its data. */
export interface Sighting {
  /** The server's: a subnet, or `root`. */
  readonly of: string;
  readonly stream: string;
  readonly seq: number;
  readonly subject: string;
  /** RFC 3339. */
  readonly storedAt: string;
  readonly envelope: Omit<Envelope, "data">;
  /** The failures of the event; only a sighting in a hub's stream has them. */
  readonly failures?: FailuresAt;
}

/** All that a trace is made of. */
export interface TraceFacts {
  readonly correlationId: string;
  readonly sightings: readonly Sighting[];
  readonly consumers: readonly EventConsumer[];
}

/** One stream that holds an event. */
export interface Hop {
  readonly of: string;
  readonly stream: string;
  readonly seq: number;
  /** RFC 3339. */
  readonly stored_at: string;
  /** From the time that the event bears; by the clocks of two machines. */
  readonly after_ms: number;
}

/** The state of an event at one durable. */
export type HandlingState =
  | "waiting"
  | "given"
  | "retrying"
  | "handled"
  | "failed"
  | "dead_letter"
  | "parked";

/** An event at one durable. */
export interface Handling {
  /** `beta/desk/screen` */
  readonly durable: string;
  readonly state: HandlingState;
  /** RFC 3339: when this was recorded; undefined when it was not recorded. */
  readonly at?: string;
  /** Failed attempts. */
  readonly failures: number;
  readonly error?: { readonly category: string; readonly message: string };
  /** RFC 3339. */
  readonly next_retry_at?: string;
  readonly dead_letter_id?: string;
}

/** A link that has not carried an event yet. */
export interface OnItsWay {
  /** `up alpha` */
  readonly link: string;
  /** How many wait for it in all. */
  readonly waiting: number;
}

/** One event of a trace, and what it has caused. */
export interface TracedEvent {
  readonly event_id: string;
  readonly event_name: string;
  readonly version: number;
  readonly subject: string;
  readonly kind: string;
  readonly source: string;
  /** `alpha/kitchen` */
  readonly from: string;
  /** The durable that a replay was for. */
  readonly replay_for?: string;
  /** The timer that published it, as its headers say. */
  readonly timer?: { readonly name: string; readonly scheduled_at: string; readonly fire: string };
  /** RFC 3339. */
  readonly published_at: string;
  readonly hops: readonly Hop[];
  readonly handlings: readonly Handling[];
  readonly on_its_way: readonly OnItsWay[];
  readonly caused: readonly TracedEvent[];
}

/** The causation tree of all events that share a correlation id. */
export interface Trace {
  readonly correlation_id: string;
  readonly events: number;
  /** Those whose cause no stream holds. */
  readonly roots: readonly TracedEvent[];
}
