import { type EventPattern, type Policy, parseEventPattern } from "@adaos/core";
import type { NodeAddress, PolicyDecision, PolicyQuestion, PolicyVerb } from "@adaos/core/wire";

/** One hop of an event: the policy's question and its answer. */
export interface Hop {
  readonly verb: PolicyVerb;
  /** `alpha/kitchen`, or `alpha` of a subnet. */
  readonly who: string;
  /** Origin of the event; only for an import. */
  readonly from?: string;
  /** The event of the question; undefined for a subscription, which is about a pattern. */
  readonly event?: AskedEvent;
  readonly decision: PolicyDecision;
}

/** An event of one version. */
export interface AskedEvent {
  readonly name: string;
  readonly version: number;
}

/**
 * Every hop of an event that a member publishes; with `to` as far as the handler of that member, whether an earlier hop
 * lets it pass or not. Pure.
 */
export function publishHops(policy: Policy, event: AskedEvent, as: NodeAddress, to?: NodeAddress): Hop[] {
  const hops = [eventHop(policy, { verb: "publish", ...as }, event)];
  if (to === undefined) return hops;
  if (to.subnet !== as.subnet) {
    hops.push(eventHop(policy, { verb: "export", subnet: as.subnet }, event));
    hops.push(eventHop(policy, { verb: "import", subnet: to.subnet, from: as.subnet }, event));
  }
  const pattern = parseEventPattern(`${event.name}@${event.version}`);
  hops.push(subscribeHop(policy, pattern, to));
  return hops;
}

/** The one hop of a subscription. Pure. */
export function subscribeHop(policy: Policy, pattern: EventPattern, as: NodeAddress): Hop {
  const question: PolicyQuestion = { verb: "subscribe", ...as };
  return { verb: "subscribe", who: whoOf(question), decision: policy.decidePattern(question, pattern) };
}

/** Any one question about one event. Pure. */
export function eventHop(policy: Policy, question: PolicyQuestion, event: AskedEvent): Hop {
  const { verb, from } = question;
  const { name, version } = event;
  return {
    verb,
    who: whoOf(question),
    ...(from === undefined ? {} : { from }),
    event,
    decision: policy.decide(question, name, version),
  };
}

function whoOf({ subnet, node }: PolicyQuestion): string {
  return node === undefined ? subnet : `${subnet}/${node}`;
}

/** Whether an event passes all hops. */
export function passes(hops: readonly Hop[]): boolean {
  return hops.every(({ decision }) => decision.allowed);
}

/** A hop for programs, with the place of its rule in the mesh file. Pure. */
export function hopAsJson(hop: Hop, place: string | undefined): object {
  const { decision, event: _, ...asked } = hop;
  return { ...asked, ...decision, ...(place === undefined ? {} : { place }) };
}
