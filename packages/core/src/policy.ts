import { MeshError } from "./errors.ts";
import { formatEventRef } from "./event-name.ts";
import { type EventPattern, patternCovers, patternMatches } from "./event-pattern.ts";

/** Members publish and subscribe; subnets export to the root and import from it. */
export type PolicyVerb = "publish" | "subscribe" | "export" | "import";

/** Allows one pattern to a member (`node` given) or to a subnet. What no rule allows is denied. */
export interface PolicyRule {
  /** Names the rule in refusals: its place in the mesh file, for example `alpha.kitchen.publish[0]`. */
  readonly id: string;
  readonly verb: PolicyVerb;
  readonly subnet: string;
  /** The member, with `publish` and `subscribe`. */
  readonly node?: string;
  readonly pattern: EventPattern;
}

/** Who wants what: the member or subnet, the verb, and the event. */
export interface PolicyQuestion {
  readonly verb: PolicyVerb;
  readonly subnet: string;
  readonly node?: string;
}

export type PolicyDecision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: string };

/** Id of the rule that refuses what no other rule allows. */
export const DEFAULT_DENY = "default-deny";

/** Patterns that a refusal names; more would fill the logs. */
const MAX_TOLD = 20;

/** Decisions remembered per policy; more distinct events than this start afresh. */
const MAX_REMEMBERED = 10_000;

/** Rules with a memory of their decisions, so that ten thousand rules cost an event no more than ten. */
export class Policy {
  readonly rules: readonly PolicyRule[];
  readonly #byHolder = new Map<string, PolicyRule[]>();
  readonly #remembered = new Map<string, PolicyDecision>();

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    for (const rule of rules) {
      const key = holderKey(rule);
      const held = this.#byHolder.get(key);
      if (held === undefined) this.#byHolder.set(key, [rule]);
      else held.push(rule);
    }
  }

  /** Whether this event may pass. First matching rule wins. Pure but for its memory. */
  decide(question: PolicyQuestion, name: string, version: number): PolicyDecision {
    const holder = holderKey(question);
    const key = `${holder} ${name}@${version}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const rule = this.#byHolder.get(holder)?.find(({ pattern }) => patternMatches(pattern, name, version));
    const decision: PolicyDecision =
      rule === undefined
        ? this.#deny(question, formatEventRef(name, version))
        : { allowed: true, rule: rule.id };
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, decision);
    return decision;
  }

  /** Whether every event that `pattern` means may pass: what a subscription needs. */
  decidePattern(question: PolicyQuestion, pattern: EventPattern): PolicyDecision {
    const rule = this.#byHolder
      .get(holderKey(question))
      ?.find((held) => patternCovers(held.pattern, pattern));
    return rule === undefined ? this.#deny(question, pattern.text) : { allowed: true, rule: rule.id };
  }

  /** The patterns a holder is allowed, in the order of its rules. */
  patternsFor(question: PolicyQuestion): EventPattern[] {
    return (this.#byHolder.get(holderKey(question)) ?? []).map(({ pattern }) => pattern);
  }

  #deny(question: PolicyQuestion, what: string): PolicyDecision {
    const patterns = this.patternsFor(question);
    const allowed = patterns.slice(0, MAX_TOLD).map(({ text }) => text);
    if (patterns.length > MAX_TOLD) allowed.push(`and ${patterns.length - MAX_TOLD} more`);
    const who = question.node === undefined ? question.subnet : `${question.subnet}/${question.node}`;
    const may = allowed.length === 0 ? `nothing` : allowed.join(" ");
    return {
      allowed: false,
      rule: DEFAULT_DENY,
      reason: `${who} may not ${question.verb} ${what}: no rule allows it (${who} may ${question.verb} ${may})`,
    };
  }
}

/** Turns a refusal into the typed error. */
export function deniedError(decision: PolicyDecision & { allowed: false }): MeshError {
  return new MeshError("denied", `${decision.reason}; rule ${decision.rule}`, { rule: decision.rule });
}

function holderKey({ verb, subnet, node }: PolicyQuestion): string {
  return node === undefined ? `${verb} ${subnet}` : `${verb} ${subnet}/${node}`;
}
