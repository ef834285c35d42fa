import { MeshError, parseEventPattern, parseEventRef } from "@adaos/core";
import type { PolicyVerb } from "@adaos/core/wire";
import { type NodeAddress, parseNodeAddress } from "@adaos/core/wire";
import { type AskedEvent, eventHop, type Hop, publishHops, subscribeHop } from "./hops.ts";
import type { LoadedPolicy } from "./load-policy.ts";

/** A question to a policy, as people write it. */
export interface PolicyInquiry {
  readonly verb: PolicyVerb;
  /** `ui.notify`, `ui.notify@1`; with `subscribe` a pattern, too. */
  readonly event: string;
  /** `alpha/kitchen`; with `export` and `import` a subnet. */
  readonly as: string;
  /** With `publish`: as far as the handler of this member. */
  readonly to?: string | undefined;
  /** With `import`: the subnet in which the event was published. */
  readonly from?: string | undefined;
}

/** A message when the registry lacks the asked event; undefined when it has it, or for a pattern. */
export function unknownEvent({ events }: LoadedPolicy, { event }: PolicyInquiry): string | undefined {
  const { kind, stem: name, version } = parseEventPattern(event);
  if (kind !== "name") return undefined;
  const isKnown = events.some(
    (one) => one.name === name && (version === undefined || one.version === version),
  );
  return isKnown
    ? undefined
    : `${event} is not in the registry: to publish it is an error, whatever policy says`;
}

/** Every hop of an event. Throws `usage` for a malformed question, or an unknown member or subnet. */
export function askPolicy(loaded: LoadedPolicy, { verb, event, as, to, from }: PolicyInquiry): Hop[] {
  if (to !== undefined && verb !== "publish") throw new MeshError("usage", "only publish has a target (to)");
  if (from !== undefined && verb !== "import")
    throw new MeshError("usage", "only import has an origin (from)");
  const { policy } = loaded;
  if (verb === "publish") {
    const target = to === undefined ? undefined : member(loaded, to);
    return publishHops(policy, eventOf(loaded, event), member(loaded, as), target);
  }
  if (verb === "subscribe") return [subscribeHop(policy, parseEventPattern(event), member(loaded, as))];
  const name = subnet(loaded, as);
  if (verb === "export") return [eventHop(policy, { verb, subnet: name }, eventOf(loaded, event))];
  if (from === undefined) {
    throw new MeshError(
      "usage",
      "import needs an origin (from): the subnet in which the event was published",
    );
  }
  return [eventHop(policy, { verb, subnet: name, from: subnet(loaded, from) }, eventOf(loaded, event))];
}

/** The newest version when none is named; 1 for an event that the registry does not know. */
function eventOf({ registry }: LoadedPolicy, text: string): AskedEvent {
  const { name, version } = parseEventRef(text);
  const versions = registry.records.filter((record) => record.name === name).map((record) => record.version);
  return { name, version: version ?? Math.max(1, ...versions) };
}

function member({ meshFile }: LoadedPolicy, text: string): NodeAddress {
  const address = parseNodeAddress(text);
  const found = meshFile.mesh.subnets.get(address.subnet)?.members.has(address.node) === true;
  if (!found) throw new MeshError("usage", `the mesh has no member ${text}`);
  return address;
}

function subnet({ meshFile }: LoadedPolicy, text: string): string {
  if (!meshFile.mesh.subnets.has(text)) throw new MeshError("usage", `the mesh has no subnet ${text}`);
  return text;
}
