import { parseEventPattern } from "@adaos/core";
import { eventsStream, parseSubject, patternToFilter } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import { storedMessages } from "@adaos/transport-nats";
import { z } from "zod";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import { parseStored } from "../stored/parse-stored.ts";
import { AuditFile, type KeptAct } from "./audit-file.ts";
import { AUDIT_RECORDED, type AuditRecord, auditDataSchema } from "./audit-record.ts";
import { hubNames, unstored } from "./audit-trail.ts";

/** An act, and where that is known. */
export interface AuditEntry extends AuditRecord {
  /** Subnets whose streams hold it. */
  readonly stored_at: readonly string[];
  /** Subnets that it has still to be brought to. */
  readonly waiting_for: readonly string[];
}

/** Which acts are meant. */
export interface AuditFilter {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Part of a name. */
  readonly who?: string | undefined;
  /** Part of an action, or of its object. */
  readonly what?: string | undefined;
}

const RECORDED = parseEventPattern(`${AUDIT_RECORDED}@1`);
const recordedSchema = z.object({ event_id: z.string().max(200), data: auditDataSchema });

/**
 * The acts of operators, oldest first: those kept on this machine, and those in the streams of its hubs, which may come
 * from other machines. Rejects with the errors of reading a file or a stream.
 */
export async function auditLog(
  layout: Layout,
  stateDir: string,
  filter: AuditFilter,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly away: readonly AwayServer[] }> {
  const hubs = hubNames(layout);
  const kept = new AuditFile(stateDir).read();
  const servers = layout.servers.filter(({ of }) => hubs.includes(of));
  return withAnswering(servers, async (open, away) => {
    const told = await Promise.all(open.map((hub) => recordsAt(hub, filter.sinceMs)));
    const stored = told.flat().filter(({ record }) => isMeant(record, filter));
    const own = kept.filter(({ record }) => isMeant(record, filter));
    return { entries: mergeRecords(own, stored, hubs), away };
  });
}

interface StoredRecord {
  readonly of: string;
  readonly record: AuditRecord;
}

/** One entry for each act, wherever it is known. Pure. */
export function mergeRecords(
  kept: readonly KeptAct[],
  stored: readonly StoredRecord[],
  hubs: readonly string[],
): AuditEntry[] {
  const waiting = new Map(unstored(kept, hubs).map(({ act, at }) => [act.record.id, at]));
  const records = new Map(kept.map(({ record }) => [record.id, record]));
  const places = new Map(kept.map(({ record, storedAt }) => [record.id, new Set(storedAt)]));
  for (const { of, record } of stored) {
    // A hub has it when it has ended; this machine may have seen its beginning alone.
    if (records.get(record.id)?.ended_at === undefined) records.set(record.id, record);
    places.set(record.id, (places.get(record.id) ?? new Set()).add(of));
  }
  return [...records.values()]
    .sort((a, b) => a.began_at.localeCompare(b.began_at))
    .map((record) => ({
      ...record,
      stored_at: [...(places.get(record.id) ?? [])].sort(),
      waiting_for: waiting.get(record.id) ?? [],
    }));
}

async function recordsAt({ of, connection }: OpenServer, sinceMs: number): Promise<StoredRecord[]> {
  const found: StoredRecord[] = [];
  const filter = patternToFilter(RECORDED, { subnet: of });
  const from = { time: new Date(sinceMs) };
  for await (const message of storedMessages(connection, eventsStream(of), filter, from)) {
    // A member that policy lets publish below `mesh.` is no operator.
    if (parseSubject(message.subject).node !== "hub") continue;
    const told = parseStored(message, recordedSchema);
    if (told !== undefined) found.push({ of, record: { id: told.event_id, ...told.data } });
  }
  return found;
}

function isMeant({ began_at, who, action, what }: AuditRecord, filter: AuditFilter): boolean {
  if (Date.parse(began_at) < filter.sinceMs) return false;
  if (filter.who !== undefined && !who.includes(filter.who)) return false;
  return filter.what === undefined || action.includes(filter.what) || what.includes(filter.what);
}
