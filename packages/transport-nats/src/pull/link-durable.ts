import type { StartAt } from "@adaos/core";
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
} from "nats";
import { ifThere } from "../connection/not-found.ts";
import { PRIORITY_GROUP } from "./pinned-consumer.ts";
import { PIN_TIMEOUT_MS } from "./pull-loop.ts";

/** Unacknowledged deliveries that a link may have at a time. */
const LINK_MAX_ACK_PENDING = 2000;
/** Within this time, another root daemon gets the deliveries of one that is gone. */
const LINK_ACK_WAIT_MS = 3000;
/** Suffix of the consumer that marks the position of a durable while it is recreated. */
const MARK_SUFFIX = "-anew";

/** One puller at a time, without an election of our own. The client's type predates it (nats-server 2.11). */
const PINNED = {
  priority_groups: [PRIORITY_GROUP],
  priority_policy: "pinned_client",
  priority_timeout: PIN_TIMEOUT_MS * 1e6,
};

/** The durable from which a link pulls. */
export interface LinkDurable {
  readonly stream: string;
  readonly consumer: string;
  /** Subject filters, none within another. Without filters nothing may cross, and there is no durable. */
  readonly filters: readonly string[];
  /**
   * `new` when it is wanted for the first time. A place when it existed before and has vanished; `all` when the place
   * is unknown.
   */
  readonly startAt: StartAt | { readonly seq: number };
}

/**
 * Creates a link's durable, updates it to these filters, or removes it. A durable with other acknowledgement settings
 * than links need is recreated at its position. Rejects with what the client throws.
 * @param listed The stream's consumers as they were a moment ago: saves a question for each durable.
 */
export async function ensureLinkDurable(
  jsm: JetStreamManager,
  durable: LinkDurable,
  listed?: ReadonlyMap<string, ConsumerInfo>,
): Promise<void> {
  const { stream, consumer, filters } = durable;
  if (filters.length === 0 && listed !== undefined) {
    for (const name of [consumer, consumer + MARK_SUFFIX])
      if (listed.has(name)) await jsm.consumers.delete(stream, name);
    return;
  }
  // A cluster leaves consumers without a leader out of its list.
  const existing = listed?.get(consumer) ?? (await findConsumer(jsm, stream, consumer));
  if (filters.length === 0) {
    // A consumer without a filter would deliver everything.
    if (existing !== undefined) await jsm.consumers.delete(stream, consumer);
    await dropMark(jsm, durable);
  } else if (existing === undefined) {
    await addDurable(jsm, durable);
  } else if (!isPinned(existing)) {
    await markPosition(jsm, durable, existing.ack_floor.stream_seq + 1);
    await jsm.consumers.delete(stream, consumer);
    await addDurable(jsm, durable);
  } else if (filtersOf(existing).join(" ") !== filters.join(" ")) {
    await jsm.consumers.update(stream, consumer, { filter_subjects: [...filters] });
  }
}

/**
 * Begins a link's durable anew at another place. A crash in between loses neither: whoever makes the durable next
 * begins there. Rejects with what the client throws.
 */
export async function beginLinkDurableAt(
  jsm: JetStreamManager,
  durable: LinkDurable & { readonly startAt: { readonly seq: number } },
): Promise<void> {
  const { stream, consumer, startAt } = durable;
  await markPosition(jsm, durable, startAt.seq);
  if ((await findConsumer(jsm, stream, consumer)) !== undefined) await jsm.consumers.delete(stream, consumer);
  await addDurable(jsm, durable);
}

/** All consumers of a stream by their names. Rejects with what the client throws. */
export async function listConsumers(
  jsm: JetStreamManager,
  stream: string,
): Promise<ReadonlyMap<string, ConsumerInfo>> {
  const consumers = new Map<string, ConsumerInfo>();
  for await (const info of jsm.consumers.list(stream)) consumers.set(info.name, info);
  return consumers;
}

/**
 * Deletes the link durables of a stream with this prefix, except the named ones: nobody pulls from them any more.
 * @param listed Names of the stream's consumers.
 */
export async function dropOtherDurables(
  jsm: JetStreamManager,
  stream: string,
  prefix: string,
  kept: readonly string[],
  listed: Iterable<string>,
): Promise<void> {
  const names = new Set(kept.flatMap((name) => [name, name + MARK_SUFFIX]));
  for (const name of listed) {
    if (name.startsWith(prefix) && !names.has(name)) await jsm.consumers.delete(stream, name);
  }
}

/** A position mark that is left behind would send a later durable back to it. */
async function dropMark(jsm: JetStreamManager, { stream, consumer }: LinkDurable): Promise<void> {
  const name = consumer + MARK_SUFFIX;
  if ((await findConsumer(jsm, stream, name)) !== undefined) await jsm.consumers.delete(stream, name);
}

/** Adds the durable. The position of a durable that is being recreated has priority over the wanted start. */
async function addDurable(jsm: JetStreamManager, durable: LinkDurable): Promise<void> {
  const { stream, consumer, filters, startAt } = durable;
  const mark = await findConsumer(jsm, stream, consumer + MARK_SUFFIX);
  const start: Partial<ConsumerConfig> =
    mark?.config.opt_start_seq === undefined
      ? startOf(startAt)
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: mark.config.opt_start_seq };
  await jsm.consumers.add(stream, {
    durable_name: consumer,
    ack_policy: AckPolicy.All,
    ack_wait: LINK_ACK_WAIT_MS * 1e6,
    max_deliver: -1,
    max_ack_pending: LINK_MAX_ACK_PENDING,
    filter_subjects: [...filters],
    ...start,
    ...PINNED,
  });
  if (mark !== undefined) await dropMark(jsm, durable);
}

function startOf(startAt: LinkDurable["startAt"]): Partial<ConsumerConfig> {
  if (typeof startAt === "object")
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: startAt.seq };
  return { deliver_policy: startAt === "all" ? DeliverPolicy.All : DeliverPolicy.New };
}

/** A consumer that nobody pulls from, so that a crash between the old durable and the new one loses no position. */
async function markPosition(jsm: JetStreamManager, durable: LinkDurable, startSeq: number): Promise<void> {
  const { stream, consumer, filters } = durable;
  await dropMark(jsm, durable);
  await jsm.consumers.add(stream, {
    durable_name: consumer + MARK_SUFFIX,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: startSeq,
    filter_subjects: [...filters],
  });
}

/** A consumer's state; undefined when there is none of that name. */
export async function findConsumer(
  jsm: JetStreamManager,
  stream: string,
  consumer: string,
): Promise<ConsumerInfo | undefined> {
  return ifThere("consumer", jsm.consumers.info(stream, consumer));
}

function filtersOf({ config }: ConsumerInfo): readonly string[] {
  return config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
}

function isPinned({ config }: ConsumerInfo): boolean {
  const { priority_policy: policy } = config as Partial<typeof PINNED>;
  return config.ack_policy === AckPolicy.All && policy === PINNED.priority_policy;
}
