import { formatEventRef, type Policy } from "@adaos/core";
import type { KnownEvent, PolicyQuestion } from "@adaos/core/wire";

/** A policy and its members. */
export interface PolicyState {
  readonly policy: Policy;
  /** Members by subnet. */
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

/** A right that a member or subnet has by one policy and not by the other. */
export interface PolicyChange {
  readonly change: "allowed" | "denied";
  readonly verb: PolicyQuestion["verb"];
  /** `alpha/kitchen`, or `alpha` of a subnet. */
  readonly who: string;
  readonly from?: string;
  readonly event: string;
  /** The rule that decides it after the change. */
  readonly rule: string;
}

/**
 * Changes of rights for the events of the registry: every right that a member or subnet of either mesh has by one
 * policy and not by the other. Pure.
 */
export function diffPolicies(
  before: PolicyState,
  after: PolicyState,
  events: readonly KnownEvent[],
): PolicyChange[] {
  const questions = new Map<string, PolicyQuestion>();
  for (const state of [before, after]) {
    for (const question of questionsOf(state)) questions.set(JSON.stringify(question), question);
  }
  const changes: PolicyChange[] = [];
  for (const question of questions.values()) {
    for (const { name, version } of events) {
      const was = before.policy.decide(question, name, version);
      const is = after.policy.decide(question, name, version);
      if (was.allowed === is.allowed) continue;
      const { verb, subnet, node, from } = question;
      changes.push({
        change: is.allowed ? "allowed" : "denied",
        verb,
        who: node === undefined ? subnet : `${subnet}/${node}`,
        ...(from === undefined ? {} : { from }),
        event: formatEventRef(name, version),
        rule: is.rule,
      });
    }
  }
  return [...changes, ...lostSubscriptions(before, after)];
}

/** Subscriptions of whole patterns that are no longer allowed, although each event of the registry still is. */
function lostSubscriptions(before: PolicyState, after: PolicyState): PolicyChange[] {
  return questionsOf(before)
    .filter(({ verb }) => verb === "subscribe")
    .flatMap((question) =>
      before.policy
        .patternsFor(question)
        .filter(({ kind }) => kind !== "name")
        .map((pattern) => ({ question, pattern, decision: after.policy.decidePattern(question, pattern) })),
    )
    .filter(({ decision }) => !decision.allowed)
    .map(({ question: { verb, subnet, node }, pattern, decision }) => {
      return { change: "denied", verb, who: `${subnet}/${node}`, event: pattern.text, rule: decision.rule };
    });
}

function questionsOf({ holders }: PolicyState): PolicyQuestion[] {
  const questions: PolicyQuestion[] = [];
  for (const [subnet, members] of holders) {
    questions.push({ verb: "export", subnet });
    for (const from of holders.keys()) {
      if (from !== subnet) questions.push({ verb: "import", subnet, from });
    }
    for (const node of members) {
      questions.push({ verb: "publish", subnet, node }, { verb: "subscribe", subnet, node });
    }
  }
  return questions;
}
