import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Envelope } from "@adaos/core";
import { describe, expect, test } from "vitest";
import {
  DatabaseConnectionEstablished,
  DatabaseConnectionFailed,
  DatabaseHealthCheckCompleted,
} from "./database-events.ts";
import { aggregateId } from "./domain-event.ts";
import { DATABASE_TYPES, ENVIRONMENTS, HEALTH_STATUSES, parseEnvironment } from "./environment.ts";

const AT = "2026-01-05T09:30:00.000Z";
const DB = { environment: "production", database_type: "postgresql", probe: "orders-db" } as const;
const SCHEMAS = new URL("../../../../schemas/events/infra/", import.meta.url);

function enumOf(event: string, property: string): unknown {
  const file = fileURLToPath(new URL(`${event}/v2/schema.json`, SCHEMAS));
  const { properties } = JSON.parse(readFileSync(file, "utf8")) as {
    properties: Record<string, { enum?: unknown }>;
  };
  return properties[property]?.enum;
}

function envelopeOf(data: object): Envelope<unknown> {
  return { event_id: "EVT-20260105-093000-0123456789ab", ts: AT, data } as unknown as Envelope<unknown>;
}

describe("DatabaseConnectionEstablished", () => {
  test("takes names in any case, and says where, what and since when", () => {
    const event = new DatabaseConnectionEstablished({
      environment: "Production",
      database_type: "SQLite",
      connection_pool_size: 10,
      timestamp: AT,
    });
    expect(event.payload()).toEqual({
      environment: "production",
      database_type: "sqlite",
      connection_pool_size: 10,
      aggregate_id: aggregateId("production", "sqlite"),
      timestamp: AT,
    });
  });

  test("has an id of its own, the time of now in UTC, and a pool of one", () => {
    const before = Date.now();
    const [one, other] = [DB, DB].map((where) => new DatabaseConnectionEstablished(where));
    expect(one?.event_id).toMatch(/^EVT-\d{8}-\d{6}-[0-9a-f]{12}$/);
    expect(one?.event_id).not.toBe(other?.event_id);
    expect(one?.timestamp).toMatch(/Z$/);
    expect(Date.parse(one?.timestamp ?? "")).toBeGreaterThanOrEqual(before);
    expect(one?.connection_pool_size).toBe(1);
  });

  test("refuses a type that no probe knows", () => {
    const make = () => new DatabaseConnectionEstablished({ ...DB, database_type: "oracle" });
    expect(make).toThrow("database_type must be one of postgresql, redis, sqlite, turso, nats, http, tcp");
  });
});

describe("DatabaseConnectionFailed", () => {
  test("counts no retry unless it is said, and hides what is secret", () => {
    const event = new DatabaseConnectionFailed({ ...DB, error_message: "no postgres://a:secret-1@db/x" });
    expect(event.payload()).toMatchObject({ retry_count: 0, error_message: "no ***" });
    expect(new DatabaseConnectionFailed({ ...DB, error_message: "no", retry_count: 2 }).retry_count).toBe(2);
  });

  test("has a message of a length that its schema takes", () => {
    const long = new DatabaseConnectionFailed({ ...DB, error_message: "x ".repeat(2000) });
    expect(long.error_message.length).toBe(1000);
    expect(new DatabaseConnectionFailed({ ...DB, error_message: "" }).error_message).not.toBe("");
  });
});

describe("DatabaseHealthCheckCompleted", () => {
  test.each([
    ["healthy", true, false],
    ["degraded", false, true],
    ["unhealthy", false, true],
  ] as const)("%s: is_healthy %s, requires_alert %s", (status, isHealthy, requiresAlert) => {
    const event = new DatabaseHealthCheckCompleted({ ...DB, status, latency_ms: 12 });
    expect([event.is_healthy, event.requires_alert]).toEqual([isHealthy, requiresAlert]);
    expect(event.payload()).not.toHaveProperty("details");
  });

  test("takes the name of a status in any case, and no other name", () => {
    const named = (status: string) =>
      new DatabaseHealthCheckCompleted({ ...DB, status, latency_ms: 1 }).status;
    expect(named(" Degraded")).toBe("degraded");
    expect(() => named("fine")).toThrow("status must be one of healthy, degraded, unhealthy");
  });

  test("carries details", () => {
    const details = { query_count: 1200, error_rate: 0.02 };
    const event = new DatabaseHealthCheckCompleted({ ...DB, status: "healthy", latency_ms: 1, details });
    expect(event.payload()).toMatchObject({ details });
  });
});

describe("an event as plain values", () => {
  test("has its id, type, time, aggregate and payload", () => {
    const event = new DatabaseConnectionEstablished({ ...DB, timestamp: AT });
    expect(JSON.parse(JSON.stringify(event))).toEqual({
      event_id: event.event_id,
      event_type: "infra.database.connection.established@2",
      timestamp: AT,
      aggregate_id: aggregateId("production", "postgresql"),
      payload: event.payload(),
    });
  });

  test.each([
    [DatabaseConnectionEstablished, { ...DB, connection_pool_size: 3 }],
    [DatabaseConnectionFailed, { ...DB, error_message: "no", retry_count: 1 }],
    [DatabaseHealthCheckCompleted, { ...DB, status: "degraded", latency_ms: 150, details: { a: 1 } }],
  ] as const)("%s comes back from an envelope as it was", (Class, data) => {
    const event = Class.from(envelopeOf({ ...data, timestamp: AT }));
    expect(event).toBeInstanceOf(Class);
    expect(event).toMatchObject({ ...data, timestamp: AT, event_id: "EVT-20260105-093000-0123456789ab" });
    expect(Class.eventName).toBe(event.ref.replace("@2", ""));
  });

  test("of version 1, which may say less, it comes back too", () => {
    const event = DatabaseConnectionFailed.from(envelopeOf({ environment: "staging", error_message: "no" }));
    expect(event).toMatchObject({ environment: "staging", retry_count: 0, timestamp: AT });
  });
});

describe("aggregateId()", () => {
  test("is a UUID, and the same for the same database wherever it is made", () => {
    expect(aggregateId("production", "postgresql")).toBe("0a0a4599-8fb7-8fbd-8296-90b4b801b4e0");
    expect(aggregateId("production", "postgresql")).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test("tells environments and types apart", () => {
    const all = ENVIRONMENTS.flatMap((one) => DATABASE_TYPES.map((type) => aggregateId(one, type)));
    expect(new Set(all).size).toBe(ENVIRONMENTS.length * DATABASE_TYPES.length);
  });
});

describe("parseEnvironment()", () => {
  test.each(ENVIRONMENTS)("knows %s in any case", (name) => {
    for (const text of [name, name.toUpperCase(), ` ${name} `]) expect(parseEnvironment(text)).toBe(name);
  });

  test.each([undefined, "", "test", "prod"])("takes %s for local", (text) => {
    expect(parseEnvironment(text)).toBe("local");
  });
});

test("the names are those of the schemas", () => {
  for (const event of ["connection.established", "connection.failed", "health.checked"]) {
    expect(enumOf(`database.${event}`, "environment")).toEqual(ENVIRONMENTS);
    expect(enumOf(`database.${event}`, "database_type")).toEqual(DATABASE_TYPES);
  }
  expect(enumOf("database.health.checked", "status")).toEqual(HEALTH_STATUSES);
});
