import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { AlertStore } from "@adaos/alerts";
import { parseEventPattern } from "@adaos/core";
import { eventsStream, messageOf, parseSubject, patternToFilter, ROOT_DOMAIN } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import { storedMessages } from "@adaos/transport-nats";
import { auditLog } from "../audit/audit-log.ts";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";
import { Newest } from "../newest.ts";
import { headOf } from "../stored/parse-stored.ts";
import {
  alertChange,
  auditChange,
  CHANGE_KINDS,
  type ChangeKind,
  eventChange,
  logChange,
  type MeshChange,
  mergeChanges,
} from "./change.ts";

/** Changes that one source may give; a time line takes the newest. */
const MAX_OF_SOURCE = 300;
/** Reports that are read of one event at one hub: a member may publish its start a million times. */
const MAX_READ = 5000;
/** The end of the supervisor's log that is read. */
const MAX_LOG_BYTES = 262_144;

/** The events by which daemons report a change, and whether members publish them too. */
const REPORTS = [
  { name: "system.boot.completed", ofMembers: true },
  { name: "mesh.node.ready", ofMembers: true },
  { name: "mesh.link.up", ofMembers: false },
  { name: "mesh.link.down", ofMembers: false },
  { name: "mesh.store.damaged", ofMembers: false },
];
const DAEMONS: ReadonlySet<string> = new Set(["hub", "root"]);

/** Which changes are meant. */
export interface TimelineFilter {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** @default every kind */
  readonly kinds?: readonly ChangeKind[] | undefined;
  /** The newest so many. @default 300 */
  readonly limit?: number | undefined;
}

/** What has changed in a mesh, oldest first. */
export interface Timeline {
  readonly changes: readonly MeshChange[];
  /** Sources that could not be read. */
  readonly away: readonly AwayServer[];
}

/**
 * What has changed: acts of operators, restarts of processes and broken files on this machine, starts of daemons,
 * links, and alerts. A source that does not answer is named and left out. Rejects with `usage` or `invalid-config`.
 */
export async function gatherTimeline(
  layout: Layout,
  stateDir: string,
  { sinceMs, kinds = CHANGE_KINDS, limit = MAX_OF_SOURCE }: TimelineFilter,
): Promise<Timeline> {
  const [acts, reported] = await Promise.all([
    auditLog(layout, stateDir, { sinceMs }),
    withAnswering(layout.servers, async (open, away) => {
      const missing = away.map(({ of, reason }) => ({ of, reason }));
      const told = await Promise.all(open.map((server) => changesAt(server, sinceMs, missing)));
      return { changes: told.flat(), missing };
    }),
  ]);
  const own = [
    ...acts.entries.slice(-MAX_OF_SOURCE).map(auditChange),
    ...logLines(stateDir).map(logChange),
  ].filter((change) => change !== undefined);
  const since = new Date(sinceMs).toISOString();
  const recent = [...own, ...reported.changes].filter(({ at }) => at >= since);
  return { changes: mergeChanges(recent, limit, kinds), away: reported.missing };
}

async function changesAt(server: OpenServer, sinceMs: number, missing: AwayServer[]): Promise<MeshChange[]> {
  const newest = new Newest<MeshChange>(MAX_OF_SOURCE, ({ at }) => at);
  const add = (change: MeshChange | undefined): void => {
    if (change !== undefined) newest.add(change);
  };
  try {
    if (server.of !== ROOT_DOMAIN) await readReports(server, sinceMs, add);
    const alerts = new AlertStore(server.of, server.connection, server.jsm);
    try {
      if (await alerts.exists())
        for await (const record of alerts.history({ time: new Date(sinceMs) })) add(alertChange(record));
    } finally {
      await alerts.close();
    }
  } catch (thrown) {
    missing.push({ of: server.of, reason: messageOf(thrown) });
  }
  return newest.items();
}

async function readReports(
  { of, connection }: OpenServer,
  sinceMs: number,
  add: (change: MeshChange | undefined) => void,
): Promise<void> {
  const from = { time: new Date(sinceMs) };
  for (const { name, ofMembers } of REPORTS) {
    const filter = patternToFilter(parseEventPattern(`${name}@1`), { subnet: of });
    for await (const message of storedMessages(connection, eventsStream(of), filter, from, MAX_READ)) {
      const { node } = parseSubject(message.subject);
      if (!ofMembers && !DAEMONS.has(node)) continue;
      const envelope = headOf(message);
      // The root reports itself in each subnet.
      if (envelope !== undefined)
        add(eventChange(name, node === "root" ? node : `${of}/${node}`, envelope, of));
    }
  }
}

/** The last lines of the supervisor's log; none where there is no such log. */
function logLines(stateDir: string): string[] {
  let handle: number;
  try {
    handle = openSync(join(stateDir, "logs", "system_resilience.log"), "r");
  } catch {
    // A mesh without a fault has none.
    return [];
  }
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, MAX_LOG_BYTES));
    readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8").split("\n");
  } finally {
    closeSync(handle);
  }
}
