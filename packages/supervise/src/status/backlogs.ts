import { downlinkDurable, eventsStream, MESH_STREAM, UPLINK_DURABLE } from "@adaos/core/wire";
import type { ConsumerBacklog } from "@adaos/nats-server";

/**
 * The number of events that wait for each link and member, by its name in `adaos status`: `up alpha`, `alpha/kitchen`.
 * Of a member's durables the longest backlog counts. Pure.
 */
export function backlogsByName(
  subnets: readonly string[],
  backlogs: readonly ConsumerBacklog[],
): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { stream, consumer, pending } of backlogs) {
    const name = subnets.map((subnet) => nameOf(subnet, stream, consumer)).find((one) => one !== undefined);
    if (name !== undefined) found.set(name, Math.max(pending, found.get(name) ?? 0));
  }
  return found;
}

function nameOf(subnet: string, stream: string, consumer: string): string | undefined {
  if (stream === MESH_STREAM) return consumer === downlinkDurable(subnet) ? `down ${subnet}` : undefined;
  if (stream !== eventsStream(subnet)) return undefined;
  if (consumer === UPLINK_DURABLE) return `up ${subnet}`;
  // See memberConsumer(): neither a node's name nor a durable's contains an underscore.
  const [node, durable] = consumer.split("_");
  return durable === undefined ? undefined : `${subnet}/${node}`;
}
