import {
  ASK_ROOT,
  DEAD_LETTER_ROOT,
  EVENT_ROOT,
  METRICS_ROOT,
  PROCESSING_ROOT,
  REPLY_ROOT,
} from "@adaos/core/wire";
import type { Suspended } from "@adaos/transport-nats";
import type { Overdraft } from "./member-rates.ts";

/** What members write, and with which rights: those go when one has written too much of it. */
const ROOTS: Readonly<Record<Written, readonly string[]>> = {
  events: [EVENT_ROOT, REPLY_ROOT],
  deadLetters: [DEAD_LETTER_ROOT],
  records: [PROCESSING_ROOT],
  metrics: [METRICS_ROOT],
};

export type Written = "events" | "deadLetters" | "records" | "metrics";

/** How a stream stands, and who holds too much of it. */
export interface StreamStand {
  readonly stream: string;
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Bytes by holder: `alpha/kitchen`, or another subnet. */
  readonly held: ReadonlyMap<string, number>;
  readonly over: ReadonlySet<string>;
}

/** What each member may not write now, by its name. */
export type Restrictions = ReadonlyMap<string, readonly Suspended[]>;

/** What is over its share becomes less as the stream drops what is old, which nobody can foretell. */
const ASK_AGAIN_MS = 5000;

/**
 * What members of a subnet may not write now: of a stream of which one holds more than its share, and events while one
 * has overdrawn a limit of its own. Pure.
 * @param members Those that there are: rights can be taken from nobody else.
 */
export function planRestrictions(
  subnet: string,
  members: Iterable<string>,
  stands: ReadonlyMap<Written, StreamStand>,
  overdrawn: ReadonlyMap<string, Overdraft>,
): Restrictions {
  const restrictions = new Map<string, readonly Suspended[]>();
  for (const node of members) {
    const found: Suspended[] = [];
    for (const [written, stand] of stands) {
      const holder = `${subnet}/${node}`;
      if (!stand.over.has(holder)) continue;
      const reason = `${holder} holds ${mebibytes(stand.held.get(holder) ?? 0)} of ${mebibytes(stand.maxBytes)} MiB in ${stand.stream}, and the rest is for others`;
      for (const root of ROOTS[written]) found.push({ root, reason, retryAfterMs: ASK_AGAIN_MS });
    }
    const overdraft = overdrawn.get(node);
    if (overdraft !== undefined) {
      const reason = `${subnet}/${node} may publish ${overdraft.limit} and has published more`;
      // Its limits are on events: who asked it something must not wait for its answer.
      for (const root of [EVENT_ROOT, ASK_ROOT]) found.push({ root, reason, retryAfterMs: overdraft.waitMs });
    }
    if (found.length > 0) restrictions.set(node, found);
  }
  return restrictions;
}

/** The rights that go, by member: what the server is told of restrictions. Pure. */
export function withheldBy(restrictions: Restrictions): Map<string, ReadonlySet<string>> {
  return new Map([...restrictions].map(([node, all]) => [node, new Set(all.map(({ root }) => root))]));
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
