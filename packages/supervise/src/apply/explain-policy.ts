import {
  askPolicy,
  type Hop,
  hopAsJson,
  type LoadedPolicy,
  type PolicyInquiry,
  passes,
  placeOfAnswer,
  unknownEvent,
} from "@adaos/policy";
import { notInForce } from "./running-policy.ts";

/** An answer of a policy, hop by hop. */
export interface PolicyExplanation {
  readonly allowed: boolean;
  readonly hops: readonly { readonly hop: Hop; readonly place: string | undefined }[];
  /** A sentence when the registry lacks the event. */
  readonly unknown: string | undefined;
  /** What of it is not in force in the mesh that runs; undefined when none of that mesh runs. */
  readonly pending: readonly string[] | undefined;
}

/** Asks a mesh file's policy, and compares with what is in force. Rejects with `usage` for a malformed question. */
export async function explainPolicy(
  loaded: LoadedPolicy,
  inquiry: PolicyInquiry,
  stateDir: string,
): Promise<PolicyExplanation> {
  const hops = askPolicy(loaded, inquiry);
  return {
    allowed: passes(hops),
    hops: hops.map((hop) => ({ hop, place: placeOfAnswer(loaded, hop) })),
    unknown: unknownEvent(loaded, inquiry),
    pending: await notInForce(loaded, inquiry, hops, stateDir),
  };
}

/** For programs. Pure. */
export function explanationAsJson({ allowed, hops, unknown, pending }: PolicyExplanation): object {
  return {
    allowed,
    known: unknown === undefined,
    ...(pending === undefined ? {} : { in_force: pending.length === 0, not_in_force: pending }),
    hops: hops.map(({ hop, place }) => hopAsJson(hop, place)),
  };
}
