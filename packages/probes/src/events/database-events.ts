import type { Envelope } from "@adaos/core";
import { withoutSecrets } from "../secrets.ts";
import { aggregateId, DomainEvent, type DomainEventOptions } from "./domain-event.ts";
import {
  DATABASE_TYPES,
  type DatabaseType,
  type Environment,
  HEALTH_STATUSES,
  type HealthStatus,
  parseEnvironment,
} from "./environment.ts";

/*
 * Attributes bear the names of the schema: a handler reads the same fields of an instance as of the data.
 */

interface Where extends DomainEventOptions {
  /** An environment, or its name in any case. */
  readonly environment: Environment | string;
  /** A type, or its name in any case. */
  readonly database_type: DatabaseType | string;
  /** The probe that has looked. */
  readonly probe?: string | undefined;
}

/** Longest message in an event. */
const MAX_MESSAGE = 1000;

abstract class DatabaseEvent extends DomainEvent {
  readonly environment: Environment;
  readonly database_type: DatabaseType;
  readonly probe: string | undefined;
  readonly aggregate_id: string;

  constructor(options: Where) {
    super(options);
    this.environment = parseEnvironment(options.environment);
    this.database_type = databaseTypeOf(options.database_type);
    this.probe = options.probe;
    this.aggregate_id = aggregateId(this.environment, this.database_type);
  }

  payload(): Record<string, unknown> {
    const { environment, database_type, probe, aggregate_id, timestamp } = this;
    return { environment, database_type, ...(probe === undefined ? {} : { probe }), aggregate_id, timestamp };
  }
}

/** A service is connected to its database. */
export class DatabaseConnectionEstablished extends DatabaseEvent {
  static readonly eventName = "infra.database.connection.established";
  readonly ref = "infra.database.connection.established@2";
  readonly connection_pool_size: number;

  constructor(options: Where & { readonly connection_pool_size?: number }) {
    super(options);
    this.connection_pool_size = options.connection_pool_size ?? 1;
  }

  static from(envelope: Envelope<unknown>): DatabaseConnectionEstablished {
    const data = dataOf<ConstructorParameters<typeof DatabaseConnectionEstablished>[0]>(envelope);
    return new DatabaseConnectionEstablished(data);
  }

  override payload(): Record<string, unknown> {
    return { ...super.payload(), connection_pool_size: this.connection_pool_size };
  }
}

/** A service could not connect to its database, or has lost it. */
export class DatabaseConnectionFailed extends DatabaseEvent {
  static readonly eventName = "infra.database.connection.failed";
  readonly ref = "infra.database.connection.failed@2";
  /** Without secrets, whatever it was made of. */
  readonly error_message: string;
  readonly retry_count: number;

  constructor(options: Where & { readonly error_message: string; readonly retry_count?: number }) {
    super(options);
    this.error_message = withoutSecrets(options.error_message).slice(0, MAX_MESSAGE) || "no reason is known";
    this.retry_count = options.retry_count ?? 0;
  }

  static from(envelope: Envelope<unknown>): DatabaseConnectionFailed {
    return new DatabaseConnectionFailed(
      dataOf<ConstructorParameters<typeof DatabaseConnectionFailed>[0]>(envelope),
    );
  }

  override payload(): Record<string, unknown> {
    const { error_message, retry_count } = this;
    return { ...super.payload(), error_message, retry_count };
  }
}

/** The health of a database is another one than before. */
export class DatabaseHealthCheckCompleted extends DatabaseEvent {
  static readonly eventName = "infra.database.health.checked";
  readonly ref = "infra.database.health.checked@2";
  readonly status: HealthStatus;
  readonly latency_ms: number;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    options: Where & {
      /** A status, or its name in any case. */
      readonly status: HealthStatus | string;
      readonly latency_ms: number;
      readonly details?: Readonly<Record<string, unknown>> | undefined;
    },
  ) {
    super(options);
    this.status = healthStatusOf(options.status);
    this.latency_ms = options.latency_ms;
    this.details = options.details;
  }

  static from(envelope: Envelope<unknown>): DatabaseHealthCheckCompleted {
    return new DatabaseHealthCheckCompleted(
      dataOf<ConstructorParameters<typeof DatabaseHealthCheckCompleted>[0]>(envelope),
    );
  }

  get is_healthy(): boolean {
    return this.status === "healthy";
  }

  /** Degraded or worse. */
  get requires_alert(): boolean {
    return this.status !== "healthy";
  }

  override payload(): Record<string, unknown> {
    const { status, latency_ms, details } = this;
    return { ...super.payload(), status, latency_ms, ...(details === undefined ? {} : { details }) };
  }
}

/** The data, which the schema has checked, with defaults for the fields that version 1 may leave out. */
function dataOf<T>({ event_id, ts, data }: Envelope<unknown>): T {
  const defaults = { environment: "local", database_type: "sqlite", timestamp: ts };
  return { ...defaults, ...(data as object), eventId: event_id } as T;
}

function healthStatusOf(text: string): HealthStatus {
  const name = text.trim().toLowerCase();
  const known = HEALTH_STATUSES.find((status) => status === name);
  if (known === undefined) throw new TypeError(`status must be one of ${HEALTH_STATUSES.join(", ")}`);
  return known;
}

function databaseTypeOf(text: string): DatabaseType {
  const name = text.trim().toLowerCase();
  const known = DATABASE_TYPES.find((type) => type === name);
  if (known === undefined) throw new TypeError(`database_type must be one of ${DATABASE_TYPES.join(", ")}`);
  return known;
}
