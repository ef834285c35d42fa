import { createHash } from "node:crypto";
import { type Envelope, newEventId } from "@adaos/core";
import type { DatabaseType, Environment } from "./environment.ts";

/** The options of every event of a domain. */
export interface DomainEventOptions {
  /** As the mesh makes them. @default a new one */
  readonly eventId?: string | undefined;
  /** When it happened. @default now */
  readonly timestamp?: Date | string | undefined;
}

/** Something that has happened, as a class: handlers subscribe to the class, and get its instances. */
export abstract class DomainEvent {
  readonly event_id: string;
  /** RFC 3339, in UTC. */
  readonly timestamp: string;
  /** Names what it happened to: the same for the same thing, at every node and after every start. */
  abstract readonly aggregate_id: string;
  /** `infra.database.connection.failed@2` */
  abstract readonly ref: string;

  constructor({ eventId = newEventId(Date.now()), timestamp = new Date() }: DomainEventOptions) {
    this.event_id = eventId;
    this.timestamp = new Date(timestamp).toISOString();
  }

  /** The data of the event, as its schema says. */
  abstract payload(): Readonly<Record<string, unknown>>;

  /** All of it, as plain values. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { event_id, timestamp, aggregate_id, ref } = this;
    return { event_id, event_type: ref, timestamp, aggregate_id, payload: this.payload() };
  }
}

/** A class of events that handlers can subscribe to. */
export interface EventClass<T> {
  /** The name of the event in every version. */
  readonly eventName: string;
  /** The event in an envelope that has passed the registry's schema. */
  from(envelope: Envelope<unknown>): T;
}

/**
 * Names a kind of database in an environment. It is made of these two alone, so that no writer of an event can choose
 * it. Pure.
 */
export function aggregateId(environment: Environment, databaseType: DatabaseType): string {
  const hash = createHash("sha256").update(`adaos database ${environment} ${databaseType}`).digest("hex");
  // As a UUID of version 8, which is for hashes of one's own.
  const variant = ((Number.parseInt(hash.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  const [a, b, c, d] = [hash.slice(0, 8), hash.slice(8, 12), hash.slice(13, 16), hash.slice(18, 20)];
  return `${a}-${b}-8${c}-${variant}${d}-${hash.slice(20, 32)}`;
}
