import {
  DURABLE_METADATA,
  EVENT_ROOT,
  eventsStream,
  parseMemberConsumer,
  parseSubject,
  subjectsOf,
  UPLINK_DURABLE,
} from "@adaos/core/wire";
import type { ServerLayout } from "@adaos/provision";
import type { ConsumerInfo } from "nats";
import { type AwayServer, type OpenServer, withAnswering } from "../hubs.ts";

/** A member's durable, with a counter of what it has handled. */
export interface DurableFlow {
  /** `alpha/kitchen` */
  readonly member: string;
  readonly durable: string;
  /** What it takes: `ui.`; undefined where its maker has not said. */
  readonly pattern: string | undefined;
  readonly pending: number;
  readonly unsettled: number;
  readonly redelivered: number;
  readonly paused: boolean;
  /** Deliveries that have ended, failed attempts included, since the durable was made. */
  readonly ended: number;
  /** RFC 3339: of its last delivery. */
  readonly lastActive: string | undefined;
}

/** Counters of one subnet's stream. */
export interface SubnetFlow {
  readonly subnet: string;
  readonly messages: number;
  readonly bytes: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Events that the stream holds, by the member that has published them. Imported ones are not here. */
  readonly published: ReadonlyMap<string, number>;
  readonly durables: readonly DurableFlow[];
  /** The durable by which the root takes events; undefined where it has not been made. */
  readonly uplink: { readonly pending: number; readonly isPulled: boolean } | undefined;
}

/** Counters of all subnets at one time. */
export interface FlowLook {
  /** Milliseconds of a clock that nobody sets. */
  readonly atMs: number;
  readonly subnets: readonly SubnetFlow[];
  readonly away: readonly AwayServer[];
}

/** Reads the counters from which rates are made, at each hub that answers. Reads no event. */
export function askFlow(hubs: readonly ServerLayout[]): Promise<FlowLook> {
  return withAnswering(hubs, async (open, away) => {
    const silent: AwayServer[] = away.map(({ of, reason }) => ({ of, reason }));
    const asked = open.map(async (hub) => {
      try {
        return [await subnetFlow(hub)];
      } catch {
        silent.push({ of: hub.of, reason: "its stream does not answer" });
        return [];
      }
    });
    const subnets = (await Promise.all(asked)).flat();
    return { atMs: performance.now(), subnets, away: silent };
  });
}

async function subnetFlow({ of, jsm }: OpenServer): Promise<SubnetFlow> {
  const stream = eventsStream(of);
  const { state } = await jsm.streams.info(stream, { subjects_filter: subjectsOf(EVENT_ROOT, of) });
  const durables: DurableFlow[] = [];
  let uplink: SubnetFlow["uplink"];
  for await (const info of jsm.consumers.list(stream)) {
    if (info.name === UPLINK_DURABLE)
      uplink = { pending: info.num_pending + info.num_ack_pending, isPulled: info.num_waiting > 0 };
    else {
      const durable = durableFlow(of, info);
      if (durable !== undefined) durables.push(durable);
    }
  }
  const published = publishedBy(Object.entries(state.subjects ?? {}));
  const { messages, bytes, first_seq: firstSeq, last_seq: lastSeq } = state;
  return { subnet: of, messages, bytes, firstSeq, lastSeq, published, durables, uplink };
}

/** Undefined for a reader that only looks on. Pure. */
export function durableFlow(subnet: string, info: ConsumerInfo): DurableFlow | undefined {
  const owner = info.config.durable_name === undefined ? undefined : parseMemberConsumer(info.name);
  if (owner === undefined) return undefined;
  // The client's type says nanoseconds; the server sends RFC 3339.
  const lastActive: unknown = info.delivered.last_active;
  return {
    member: `${subnet}/${owner.node}`,
    durable: owner.durable,
    pattern: info.config.metadata?.[DURABLE_METADATA.pattern],
    pending: info.num_pending,
    unsettled: info.num_ack_pending,
    redelivered: info.num_redelivered,
    paused: info.paused === true,
    // The floor of acknowledgements would stand still behind one event that waits for its retry.
    ended: Math.max(0, info.delivered.consumer_seq - info.num_ack_pending),
    lastActive: typeof lastActive === "string" ? lastActive : undefined,
  };
}

/** Servers store whatever they are sent: a subject that is not an event's is left out. Pure. */
export function publishedBy(
  subjects: readonly (readonly [subject: string, count: number])[],
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [subject, count] of subjects) {
    let member: string;
    try {
      const { subnet, node } = parseSubject(subject);
      member = `${subnet}/${node}`;
    } catch {
      continue;
    }
    counts.set(member, (counts.get(member) ?? 0) + count);
  }
  return counts;
}
