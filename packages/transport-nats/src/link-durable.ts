import type { StartAt } from "@adaos/core";
import { AckPolicy, type ConsumerInfo, DeliverPolicy, type JetStreamManager, NatsError } from "nats";
import { ACK_WAIT_MS } from "./streams.ts";

/** nats-server's code for a consumer that is not there. */
const CONSUMER_NOT_FOUND = 10014;
/** Deliveries that a link may hold at a time. */
const LINK_MAX_ACK_PENDING = 1000;

/** The durable from which a link pulls. */
export interface LinkDurable {
  readonly stream: string;
  readonly consumer: string;
  /** Subject filters, none within another. None at all: nothing may cross, and there is no durable. */
  readonly filters: readonly string[];
  /** `new` when it is wanted for the first time, `all` when it was there before and has vanished. */
  readonly startAt: StartAt;
}

/** Creates a link's durable, brings it to these filters, or removes it. Rejects with what the client throws. */
export async function ensureLinkDurable(jsm: JetStreamManager, durable: LinkDurable): Promise<void> {
  const { stream, consumer, filters, startAt } = durable;
  const existing = await findConsumer(jsm, stream, consumer);
  if (filters.length === 0) {
    // A consumer without a filter would hand out everything.
    if (existing !== undefined) await jsm.consumers.delete(stream, consumer);
  } else if (existing === undefined) {
    await jsm.consumers.add(stream, {
      durable_name: consumer,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1e6,
      max_deliver: -1,
      max_ack_pending: LINK_MAX_ACK_PENDING,
      deliver_policy: startAt === "all" ? DeliverPolicy.All : DeliverPolicy.New,
      filter_subjects: [...filters],
    });
  } else if (filtersOf(existing).join(" ") !== filters.join(" ")) {
    await jsm.consumers.update(stream, consumer, { filter_subjects: [...filters] });
  }
}

/** A consumer's state, or nothing when there is none of that name. */
export async function findConsumer(
  jsm: JetStreamManager,
  stream: string,
  consumer: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await jsm.consumers.info(stream, consumer);
  } catch (thrown) {
    if (thrown instanceof NatsError && thrown.api_error?.err_code === CONSUMER_NOT_FOUND) return undefined;
    throw thrown;
  }
}

function filtersOf({ config }: ConsumerInfo): readonly string[] {
  return config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
}
