import { parseEventPattern } from "@adaos/core";
import { eventsStream, patternToFilter } from "@adaos/core/wire";
import { storedMessages } from "@adaos/transport-nats";
import type { OpenServer } from "../hubs.ts";
import { published } from "../stored/published-past.ts";

/** A change of a probed resource, as its event reports it. `--json` prints it unchanged. */
export interface ProbeEvent {
  /** RFC 3339. */
  readonly at: string;
  readonly event_id: string;
  /** The publisher: `alpha/kitchen`. */
  readonly node: string;
  readonly probe: string | null;
  readonly environment: string | null;
  readonly database_type: string | null;
  readonly change: "established" | "failed" | "healthy" | "degraded" | "unhealthy";
  readonly latency_ms: number | null;
  readonly retry_count: number | null;
  readonly error_message: string | null;
}

const DATABASES = parseEventPattern("infra.database.");

/** The changes that probes of a subnet's members have published since a time, oldest first, a page in memory. */
export async function* probeEvents(server: OpenServer, since: Date): AsyncGenerator<ProbeEvent> {
  const stream = eventsStream(server.of);
  const filter = patternToFilter(DATABASES, { subnet: server.of });
  const { last_seq: lastSeq } = (await server.jsm.streams.info(stream)).state;
  for await (const message of storedMessages(server.connection, stream, filter, { time: since })) {
    if (message.seq > lastSeq) break;
    const read = published(message.seq, message.subject, message.body);
    if (!("envelope" in read)) continue;
    const { address, envelope } = read;
    const told = probeEventOf(`${address.subnet}/${address.node}`, envelope);
    if (told !== undefined) yield told;
  }
}

/** Undefined for an event that is none of these. Pure. */
export function probeEventOf(
  node: string,
  envelope: { event_id: string; event_name: string; ts: string; data: unknown },
): ProbeEvent | undefined {
  const { event_id, event_name, ts, data } = envelope;
  if (typeof data !== "object" || data === null) return undefined;
  const fields = data as Record<string, unknown>;
  const change = changeOf(event_name, fields);
  if (change === undefined) return undefined;
  return {
    at: timeOf(fields["timestamp"]) ?? ts,
    event_id,
    node,
    probe: textOf(fields["probe"]),
    environment: textOf(fields["environment"]),
    database_type: textOf(fields["database_type"]),
    change,
    latency_ms: numberOf(fields["latency_ms"]),
    retry_count: change === "failed" ? (numberOf(fields["retry_count"]) ?? 0) : null,
    error_message: textOf(fields["error_message"]),
  };
}

function changeOf(name: string, { status }: Record<string, unknown>): ProbeEvent["change"] | undefined {
  if (name === "infra.database.connection.established") return "established";
  if (name === "infra.database.connection.failed") return "failed";
  if (name !== "infra.database.health.checked") return undefined;
  return status === "healthy" || status === "degraded" || status === "unhealthy" ? status : undefined;
}

const MAX_TEXT = 1000;

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : null;
}

function timeOf(value: unknown): string | undefined {
  const ms = Date.parse(textOf(value) ?? "");
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
