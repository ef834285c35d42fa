import type { FlowLook, SubnetFlow } from "./ask-flow.ts";

/** Events per second between two looks, by member. A member that only one of them knows is left out. */
export interface FlowRates {
  readonly published: ReadonlyMap<string, number>;
  readonly handled: ReadonlyMap<string, number>;
}

/** Durables by which daemons look on; what they take is not handled by a program. */
const LOOKS_ON = /^journal(-|$)/;

/** Never negative: a counter that has become smaller was started again from zero. Pure. */
export function perSecond(
  before: number | undefined,
  now: number | undefined,
  seconds: number,
): number | undefined {
  if (before === undefined || now === undefined || seconds <= 0) return undefined;
  return (now < before ? now : now - before) / seconds;
}

/** Pure. */
export function flowRates(before: FlowLook, now: FlowLook): FlowRates {
  const seconds = (now.atMs - before.atMs) / 1000;
  const published = new Map<string, number>();
  const handled = new Map<string, number>();
  const known = new Map(before.subnets.map((subnet) => [subnet.subnet, subnet]));
  if (seconds <= 0) return { published, handled };
  for (const subnet of now.subnets) {
    const earlier = known.get(subnet.subnet);
    if (earlier === undefined) continue;
    for (const [member, count] of publishedBetween(earlier, subnet)) published.set(member, count / seconds);
    const ended = new Map(earlier.durables.map((one) => [`${one.member} ${one.durable}`, one.ended]));
    for (const { member, durable, ended: endedNow } of subnet.durables) {
      if (LOOKS_ON.test(durable)) continue;
      const rate = perSecond(ended.get(`${member} ${durable}`), endedNow, seconds);
      if (rate !== undefined) handled.set(member, (handled.get(member) ?? 0) + rate);
    }
  }
  return { published, handled };
}

/**
 * How many events each member has published between two looks, by what the stream holds of them. A full stream drops
 * its oldest events meanwhile: those are taken to be of the members as all that it held, so the numbers are estimates
 * there.
 */
function publishedBetween(before: SubnetFlow, now: SubnetFlow): Map<string, number> {
  // A stream that was made again begins at zero.
  const isNew = now.lastSeq < before.lastSeq;
  const dropped = isNew ? 0 : Math.min(before.messages, Math.max(0, now.firstSeq - before.firstSeq));
  const share = before.messages === 0 ? 0 : dropped / before.messages;
  const counts = new Map<string, number>();
  for (const [member, count] of now.published) {
    const held = isNew ? 0 : (before.published.get(member) ?? 0);
    counts.set(member, Math.max(0, count - held + held * share));
  }
  return counts;
}
