import { eventsStream, UPLINK_DURABLE } from "@adaos/core/wire";
import type { ConsumerInfo } from "nats";
import type { OpenServer } from "./hubs.ts";

/** How far a durable is with its subnet's stream. */
export interface DurableState {
  readonly subnet: string;
  /** The node that it belongs to; `root` for the uplink. */
  readonly node: string;
  readonly durable: string;
  /** Events that were not delivered yet. */
  readonly pending: number;
  /** Events that are delivered and not settled, or that wait for their next attempt. */
  readonly unsettled: number;
  /** The unsettled events that were delivered more than once. */
  readonly redelivered: number;
  readonly paused: boolean;
}

/** Every durable of a subnet's stream. A reader that only looks on (`tail`) has none. */
export async function* durables({ of, jsm }: OpenServer): AsyncGenerator<DurableState> {
  for await (const info of jsm.consumers.list(eventsStream(of))) {
    if (info.config.durable_name !== undefined) yield durableState(of, info);
  }
}

/** Pure. */
export function durableState(subnet: string, info: ConsumerInfo): DurableState {
  // See memberConsumer(): neither a node's name nor a durable's holds an underscore.
  const [node = "", durable = ""] = info.name === UPLINK_DURABLE ? ["root", "root"] : info.name.split("_");
  return {
    subnet,
    node,
    durable,
    pending: info.num_pending,
    unsettled: info.num_ack_pending,
    redelivered: info.num_redelivered,
    paused: info.paused === true,
  };
}
