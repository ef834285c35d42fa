import type { AlertRecord } from "@adaos/alerts";
import { z } from "zod";
import type { AuditRecord } from "../audit/audit-record.ts";

/** What a change is about, for filters. */
export const CHANGE_KINDS = [
  "policy",
  "registry",
  "operator",
  "process",
  "start",
  "link",
  "alert",
  "config",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One thing that has changed in a mesh. Field names are those of JSON. */
export interface MeshChange {
  /** RFC 3339 in UTC with milliseconds. */
  readonly at: string;
  readonly kind: ChangeKind;
  readonly level: "good" | "info" | "warning" | "error";
  /** The node, link, process or command: `alpha/kitchen`, `up alpha`, `policy.apply`. */
  readonly about: string;
  /** One sentence or less. */
  readonly what: string;
  /** The event that reports it, and the subnet or `root` that stores it. */
  readonly event_id?: string;
  readonly stored_at?: string;
}

const MAX_WHAT = 500;
/** The root reports itself in every subnet, one after the other. */
const SAME_REPORT_MS = 3000;

/** The one order and shape of a time line: oldest first, each once, the newest of too many. Pure. */
export function mergeChanges(
  changes: Iterable<MeshChange>,
  limit: number,
  kinds: readonly ChangeKind[] = CHANGE_KINDS,
): MeshChange[] {
  const once = new Map<string, MeshChange>();
  // Several subnets may store the same report.
  for (const change of changes)
    if (kinds.includes(change.kind))
      once.set(change.event_id ?? JSON.stringify([change.at, change.about, change.what]), change);
  const sorted = [...once.values()].sort((a, b) => order(a.at, b.at) || order(a.about, b.about));
  const last = new Map<string, MeshChange>();
  const told = sorted.filter((change) => {
    const key = JSON.stringify([change.kind, change.about, change.what]);
    const before = last.get(key);
    last.set(key, change);
    if (before === undefined || before.stored_at === change.stored_at) return true;
    return Date.parse(change.at) - Date.parse(before.at) > SAME_REPORT_MS;
  });
  return told.slice(-limit);
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Undefined for a time that is none. Pure. */
function changeOf(at: string, change: Omit<MeshChange, "at">): MeshChange | undefined {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return undefined;
  return { at: new Date(ms).toISOString(), ...change, what: change.what.slice(0, MAX_WHAT) };
}

/** What an operator has done. Pure. */
export function auditChange({
  id,
  action,
  who,
  what,
  began_at,
  ended_at,
  outcome,
  error,
}: AuditRecord): MeshChange | undefined {
  const kind = action === "policy.apply" ? "policy" : action === "registry.apply" ? "registry" : "operator";
  const ended = outcome === "done" ? "" : `: ${outcome}${error === undefined ? "" : `, ${error}`}`;
  const level = outcome === "done" ? "info" : outcome === "failed" ? "error" : "warning";
  return changeOf(ended_at ?? began_at, {
    kind,
    level,
    about: action,
    what: `${who}: ${what}${ended}`,
    event_id: id,
  });
}

/** An alert that has begun or ended. Pure. */
export function alertChange({ change, at, alert, event_id }: AlertRecord): MeshChange | undefined {
  const level = change === "cleared" ? "good" : alert.severity === "critical" ? "error" : "warning";
  const what =
    change === "cleared" ? `cleared: ${alert.summary}` : `${change}: ${alert.summary} (${alert.cause})`;
  return changeOf(at, { kind: "alert", level, about: alert.alert, what, event_id });
}

const text = z.string().max(4000);
const lineSchema = z.looseObject({
  ts: text,
  event: text,
  component: text.optional(),
  reason: text.optional(),
  failures: z.number().optional(),
  file: text.optional(),
  ordered: z.boolean().optional(),
  "config.errors": z.array(z.looseObject({ file: text, place: text.optional(), message: text })).optional(),
});

/** What a line of the supervisor's log tells; undefined for lines about events, and those that are cut short. Pure. */
export function logChange(line: string): MeshChange | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const told = lineSchema.safeParse(value).data;
  if (told === undefined) return undefined;
  const {
    ts,
    event,
    component = "supervisor",
    reason = "no reason given",
    failures = 0,
    file = "a file",
  } = told;
  const tell = (kind: ChangeKind, level: MeshChange["level"], what: string): MeshChange | undefined =>
    changeOf(ts, { kind, level, about: component, what });
  switch (event) {
    case "process restarted":
      return told.ordered === true
        ? tell("process", "info", `restarted as ordered: ${reason}`)
        : tell("process", "warning", `restarted: ${reason}`);
    case "supervisor restarted":
      return tell("process", "warning", "restarted: it had died");
    case "restart does not help":
      return tell("process", "error", `${failures} restarts did not help: ${reason}`);
    case "config restored":
      return tell("config", "warning", `the last good version of ${file} was restored`);
    case "config repaired":
      return tell("config", "good", "the files are right again");
    case "config.errors": {
      const [first] = told["config.errors"] ?? [];
      return tell(
        "config",
        "error",
        first === undefined ? "a file is broken" : `${first.file} ${first.place ?? ""}: ${first.message}`,
      );
    }
    default:
      return undefined;
  }
}

const dataSchema = z.looseObject({
  node: text.optional(),
  version: text.optional(),
  duration_ms: z.number().optional(),
  subnet: text.optional(),
  direction: z.enum(["up", "down"]).optional(),
  reason: text.optional(),
  waiting: z.number().optional(),
  stream: text.optional(),
});

/** What an event of a daemon reports. Pure. @param node Its publisher. */
export function eventChange(
  name: string,
  node: string,
  envelope: { readonly event_id: string; readonly ts: string; readonly data?: unknown },
  storedAt: string,
): MeshChange | undefined {
  const data = dataSchema.safeParse(envelope.data).data ?? {};
  const {
    version,
    duration_ms: took,
    subnet = "",
    direction = "up",
    reason = "",
    waiting = 0,
    stream = "",
  } = data;
  const place = { event_id: envelope.event_id, stored_at: storedAt };
  const build = version === undefined ? "" : ` (version ${version})`;
  const after = took === undefined ? "" : ` after ${(took / 1000).toFixed(1)} s`;
  const link = `${direction} ${subnet}`;
  const waits = waiting === 0 ? "" : `; ${waiting} events wait`;
  switch (name) {
    case "system.boot.completed":
      return changeOf(envelope.ts, {
        kind: "start",
        level: "info",
        about: node,
        what: `started${after}${build}`,
        ...place,
      });
    case "mesh.node.ready":
      return changeOf(envelope.ts, {
        kind: "start",
        level: "good",
        about: node,
        what: `ready${after}${build}`,
        ...place,
      });
    case "mesh.link.up":
      return changeOf(envelope.ts, {
        kind: "link",
        level: "good",
        about: link,
        what: `the link is up${waits}`,
        ...place,
      });
    case "mesh.link.down":
      return changeOf(envelope.ts, {
        kind: "link",
        level: "error",
        about: link,
        what: `the link is down: ${reason}`,
        ...place,
      });
    case "mesh.store.damaged":
      return changeOf(envelope.ts, {
        kind: "process",
        level: "error",
        about: node,
        what: `stream ${stream} has lost messages`,
        ...place,
      });
    default:
      return undefined;
  }
}
