import { MeshError, parseEventPattern } from "@adaos/core";
import type { LoadedPolicy } from "@adaos/policy";
import { type AskedEvent, eventHop, subscribeHop } from "@adaos/policy";

/** A subnet's rights on one event by the policy. */
export interface SubnetRights {
  readonly subnet: string;
  /** Members with the right. */
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly exports: boolean;
  /** Subnets whose events it imports. */
  readonly imports: readonly string[];
}

/** Takes minutes. Nobody would read larger pages either. */
const MAX_QUESTIONS = 20_000_000;

/** Each subnet's rights on an event, by the policy. Throws `too-large` for a mesh of thousands of subnets. */
export function subnetRights({ meshFile, policy, events }: LoadedPolicy, event: AskedEvent): SubnetRights[] {
  const { subnets } = meshFile.mesh;
  const names = [...subnets.keys()];
  const members = [...subnets.values()].reduce((sum, subnet) => sum + subnet.members.size, 0);
  const questions = events.length * (2 * members + names.length * names.length);
  if (questions > MAX_QUESTIONS) {
    throw new MeshError(
      "too-large",
      `${questions} questions to the policy of ${meshFile.file}, the limit is ${MAX_QUESTIONS}; name a smaller mesh with --config, or none with --no-policy`,
    );
  }
  const pattern = parseEventPattern(`${event.name}@${event.version}`);
  return [...subnets.values()].map((subnet) => {
    const nodes = [...subnet.members.keys()];
    const { name } = subnet;
    return {
      subnet: name,
      publish: nodes.filter((node) => {
        return eventHop(policy, { verb: "publish", subnet: name, node }, event).decision.allowed;
      }),
      subscribe: nodes.filter((node) => {
        return subscribeHop(policy, pattern, { subnet: name, node }).decision.allowed;
      }),
      exports: eventHop(policy, { verb: "export", subnet: name }, event).decision.allowed,
      imports: names.filter((from) => {
        return (
          from !== name && eventHop(policy, { verb: "import", subnet: name, from }, event).decision.allowed
        );
      }),
    };
  });
}
