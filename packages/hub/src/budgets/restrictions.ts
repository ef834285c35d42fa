import {
  ASK_ROOT,
  DEAD_LETTER_ROOT,
  EVENT_ROOT,
  METRICS_ROOT,
  PROCESSING_ROOT,
  RAN_ROOT,
  REPLY_ROOT,
  RUN_ROOT,
} from "@adaos/core/wire";
import type { Suspended } from "@adaos/transport-nats";
import type { Overdraft } from "./member-rates.ts";

/** Streams that members write, with the rights that a member over its share loses. */
const ROOTS: Readonly<Record<Written, readonly string[]>> = {
  events: [EVENT_ROOT, REPLY_ROOT],
  deadLetters: [DEAD_LETTER_ROOT],
  records: [PROCESSING_ROOT],
  metrics: [METRICS_ROOT],
  runs: [RUN_ROOT],
  runRecords: [RAN_ROOT],
  failedRuns: [RAN_ROOT],
};

export type Written = "events" | "deadLetters" | "records" | "metrics" | "runs" | "runRecords" | "failedRuns";

/** The fill of a stream, and the members or subnets over their share of it. */
export interface StreamStand {
  readonly stream: string;
  readonly maxBytes: number;
  readonly usedBytes: number;
  /** Bytes by holder: `alpha/kitchen`, or another subnet. */
  readonly held: ReadonlyMap<string, number>;
  readonly over: ReadonlySet<string>;
}

/** The suspended rights of each member, by its name. */
export type Restrictions = ReadonlyMap<string, readonly Suspended[]>;

/** A share shrinks as the stream drops old messages; nobody can predict when. */
const ASK_AGAIN_MS = 5000;

/**
 * Plans the rights that members of a subnet lose for now: for a stream in which a member is over its share, and for
 * events while a member exceeds a limit. Pure.
 * @param members All members: nobody else has rights to lose.
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
      // Its limits are on events: its replies must not wait.
      for (const root of [EVENT_ROOT, ASK_ROOT]) found.push({ root, reason, retryAfterMs: overdraft.waitMs });
    }
    if (found.length > 0) restrictions.set(node, found);
  }
  return restrictions;
}

/** The withheld rights by member, for the server's config. Pure. */
export function withheldBy(restrictions: Restrictions): Map<string, ReadonlySet<string>> {
  return new Map([...restrictions].map(([node, all]) => [node, new Set(all.map(({ root }) => root))]));
}

function mebibytes(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
