import {
  deadLetterStream,
  doneStream,
  downlinkDurable,
  eventsStream,
  type Figure,
  MESH_STREAM,
  parkedStream,
  parseMemberConsumer,
  UPLINK_DURABLE,
} from "@adaos/core/wire";

/** The exported part of a server's `VARZ`. */
export interface Varz {
  readonly version: string;
  /** RFC 3339, by the server's clock. */
  readonly now?: string;
  /** RFC 3339. */
  readonly start: string;
  readonly connections: number;
  readonly leafnodes?: number;
  readonly subscriptions: number;
  readonly mem: number;
  /** Percent of one core. */
  readonly cpu: number;
  readonly in_msgs: number;
  readonly out_msgs: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly slow_consumers: number;
  readonly jetstream?: {
    readonly config?: { readonly max_storage?: number };
    readonly stats?: {
      readonly storage: number;
      readonly api: { readonly total: number; readonly errors: number };
    };
  };
}

/** The server's answer about one stream (`JSZ`). */
export interface StreamDetail {
  readonly name: string;
  readonly config?: {
    readonly max_bytes?: number;
    readonly discard?: "old" | "new";
    readonly metadata?: Readonly<Record<string, string>>;
  };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_ts: string;
    readonly last_ts: string;
  };
  readonly consumer_detail?: readonly ConsumerDetail[];
}

interface ConsumerDetail {
  readonly name: string;
  readonly config?: { readonly filter_subject?: string; readonly filter_subjects?: readonly string[] };
  readonly ack_floor: { readonly stream_seq: number };
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_pending: number;
  readonly paused?: boolean;
}

/** The events that a link has not carried yet, and their first place in its source. */
export interface LinkLag {
  readonly labels: readonly [subnet: string, direction: "up" | "down"];
  readonly events: number;
  readonly stream: string;
  /** First place that may not be carried yet. */
  readonly fromSeq: number;
  readonly filters: readonly string[];
}

/** Metrics of a server itself. Pure. */
export function varzFigures(varz: Varz): readonly Figure[] {
  const { stats } = varz.jetstream ?? {};
  return [
    { metric: "serverInfo", labels: [varz.version], value: 1 },
    { metric: "serverStart", value: Date.parse(varz.start) / 1000 },
    { metric: "serverConnections", value: varz.connections },
    { metric: "serverLeaves", value: varz.leafnodes ?? 0 },
    { metric: "serverSubscriptions", value: varz.subscriptions },
    { metric: "serverMemory", value: varz.mem },
    { metric: "serverCpu", value: varz.cpu / 100 },
    { metric: "serverReceived", value: varz.in_msgs },
    { metric: "serverReceivedBytes", value: varz.in_bytes },
    { metric: "serverSent", value: varz.out_msgs },
    { metric: "serverSentBytes", value: varz.out_bytes },
    { metric: "serverSlow", value: varz.slow_consumers },
    ...(stats === undefined
      ? []
      : ([
          { metric: "serverStore", value: stats.storage },
          { metric: "serverApi", value: stats.api.total },
          { metric: "serverApiErrors", value: stats.api.errors },
        ] as const)),
  ];
}

/** Fill of its streams, and age of their messages. Pure. */
export function streamFigures(streams: readonly StreamDetail[], nowMs: number): readonly Figure[] {
  return streams.flatMap(({ name, config, state }): Figure[] => {
    const labels = [name];
    const maxBytes = config?.max_bytes ?? 0;
    const oldestMs = state.messages === 0 ? nowMs : Date.parse(state.first_ts);
    return [
      { metric: "streamMessages", labels, value: state.messages },
      { metric: "streamBytes", labels, value: state.bytes },
      ...(maxBytes > 0
        ? [{ metric: "streamFull", labels, value: state.bytes / maxBytes } satisfies Figure]
        : []),
      { metric: "streamOldest", labels, value: Math.max(0, nowMs - oldestMs) / 1000 },
    ];
  });
}

/** Metrics of a subnet's durables and of its hub's streams about them. Pure. */
export function subnetFigures(
  subnet: string,
  members: readonly string[],
  streams: readonly StreamDetail[],
): readonly Figure[] {
  const byName = new Map(streams.map((stream) => [stream.name, stream]));
  const messagesOf = (name: string): number => byName.get(name)?.state.messages ?? 0;
  const durables = byName.get(eventsStream(subnet))?.consumer_detail ?? [];
  return [
    ...durables.flatMap((consumer) => durableFigures(subnet, consumer)),
    { metric: "deadLetters", value: messagesOf(deadLetterStream(subnet)) },
    { metric: "deadLetterLast", value: lastSeconds(byName.get(deadLetterStream(subnet))) },
    { metric: "parked", value: messagesOf(parkedStream(subnet)) },
    ...members.map((node): Figure => {
      const labels = [`${subnet}/${node}`];
      return { metric: "marks", labels, value: messagesOf(doneStream({ subnet, node })) };
    }),
  ];
}

/** Time of the newest message of a stream; 0 when it is empty. */
function lastSeconds(stream: StreamDetail | undefined): number {
  if (stream === undefined || stream.state.messages === 0) return 0;
  return Date.parse(stream.state.last_ts) / 1000;
}

function durableFigures(subnet: string, consumer: ConsumerDetail): Figure[] {
  const owner = parseMemberConsumer(consumer.name);
  // Observers have no owner; the root's durable is in the metrics of the link.
  if (owner === undefined) return [];
  const labels = [`${subnet}/${owner.node}`, owner.durable];
  return [
    { metric: "durablePending", labels, value: consumer.num_pending },
    { metric: "durableUnsettled", labels, value: consumer.num_ack_pending },
    { metric: "durableRedelivered", labels, value: consumer.num_redelivered },
    { metric: "durablePaused", labels, value: consumer.paused === true ? 1 : 0 },
  ];
}

/** Lag of this subnet's uplink: its hub has the durable. Pure. */
export function uplinkLags(subnet: string, streams: readonly StreamDetail[]): readonly LinkLag[] {
  const stream = streams.find(({ name }) => name === eventsStream(subnet));
  const consumer = stream?.consumer_detail?.find(({ name }) => name === UPLINK_DURABLE);
  return consumer === undefined ? [] : [lagOf(eventsStream(subnet), consumer, [subnet, "up"])];
}

/** Lag of these subnets' downlinks: the root has the durables. Pure. */
export function downlinkLags(
  subnets: readonly string[],
  streams: readonly StreamDetail[],
): readonly LinkLag[] {
  const consumers = streams.find(({ name }) => name === MESH_STREAM)?.consumer_detail ?? [];
  const subnetOf = new Map(subnets.map((subnet) => [downlinkDurable(subnet), subnet]));
  return consumers.flatMap((consumer) => {
    const subnet = subnetOf.get(consumer.name);
    return subnet === undefined ? [] : [lagOf(MESH_STREAM, consumer, [subnet, "down"])];
  });
}

function lagOf(stream: string, consumer: ConsumerDetail, labels: LinkLag["labels"]): LinkLag {
  const { filter_subject: one, filter_subjects: several = [] } = consumer.config ?? {};
  const filters = one === undefined || one === "" ? several : [one];
  return {
    labels,
    events: consumer.num_pending + consumer.num_ack_pending,
    stream,
    fromSeq: consumer.ack_floor.stream_seq + 1,
    filters: filters.length === 0 ? [">"] : filters,
  };
}
