import { MeshError } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import { type EventPattern, patternCovers, patternMatches } from "../language/event-pattern.ts";

/** Members publish and subscribe; subnets export to the root and import from it. */
export type PolicyVerb = "publish" | "subscribe" | "export" | "import";

/**
 * What one rule means for one holder: a member (`node` given) or a subnet. `compilePolicy()` makes them of what a mesh
 * declares. Of a holder's rules those that allow come first, and none of them reaches into what another denies: so a
 * server, which knows no order, enforces the same by the patterns of {@link Policy.patternsFor} alone.
 */
export interface PolicyRule {
  /** Names the rule in refusals: its own id, or its place in the mesh file, for example `alpha.kitchen.publish[0]`. */
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly verb: PolicyVerb;
  readonly subnet: string;
  /** The member, with `publish` and `subscribe`. */
  readonly node?: string;
  /** With `import`: the subnets whose events it is about. @default any */
  readonly from?: readonly string[];
  readonly pattern: EventPattern;
  /**
   * Denies what of the pattern the registry does not know, since the rule of this id cuts into what allows the rest.
   */
  readonly unregistered?: true;
}

/** Who wants what: the member or subnet, and the verb. */
export interface PolicyQuestion {
  readonly verb: PolicyVerb;
  readonly subnet: string;
  readonly node?: string;
  /** With `import`: the subnet in which the event was published. */
  readonly from?: string;
}

export type PolicyDecision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: string };

/** Id under which is told that somebody has written, or sent, more than is its share. */
export const BUDGET = "budget";

/** Id of the rule that refuses what no other rule allows. */
export const DEFAULT_DENY = "default-deny";

/**
 * Id of the rule by which no event with classified data leaves for a subnet that is not cleared for it. Nothing in a
 * mesh file comes before it.
 */
export const CLEARANCE = "clearance";

/** Patterns that a refusal names; more would fill the logs. */
const MAX_TOLD = 20;

/** Decisions remembered per policy; more distinct events than this start afresh. */
const MAX_REMEMBERED = 10_000;

/** Rules with a memory of their decisions, so that ten thousand rules cost an event no more than ten. */
export class Policy {
  readonly #byHolder = new Map<string, PolicyRule[]>();
  readonly #remembered = new Map<string, PolicyDecision>();
  #revision = 0;

  constructor(rules: readonly PolicyRule[]) {
    this.#index(rules);
  }

  /** Counts the replacements: what was derived from the rules is to be derived again when it differs. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes other rules; every decision from now on is by them. */
  replace(rules: readonly PolicyRule[]): void {
    this.#byHolder.clear();
    this.#remembered.clear();
    this.#revision++;
    this.#index(rules);
  }

  /** Whether this event may pass. First matching rule wins. Pure but for its memory. */
  decide(question: PolicyQuestion, name: string, version: number): PolicyDecision {
    const holder = holderKey(question, question.from);
    const key = `${holder} ${name}@${version}`;
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined) return remembered;
    const rule = this.#rulesOf(question).find(({ pattern }) => patternMatches(pattern, name, version));
    const decision: PolicyDecision =
      rule?.effect === "allow"
        ? { allowed: true, rule: rule.id }
        : this.#deny(question, formatEventRef(name, version), rule);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, decision);
    return decision;
  }

  /** Whether every event that `pattern` means may pass: what a subscription needs. */
  decidePattern(question: PolicyQuestion, pattern: EventPattern): PolicyDecision {
    const rules = this.#rulesOf(question);
    const allowing = rules.find(({ effect, pattern: held }) => {
      return effect === "allow" && patternCovers(held, pattern);
    });
    if (allowing !== undefined) return { allowed: true, rule: allowing.id };
    const denying = rules.find(({ effect, pattern: held }) => {
      return effect === "deny" && (patternCovers(held, pattern) || patternCovers(pattern, held));
    });
    return this.#deny(question, pattern.text, denying);
  }

  /** The patterns a holder is allowed, in the order of its rules: all of them, and nothing else. */
  patternsFor(question: PolicyQuestion): EventPattern[] {
    return this.#rulesOf(question)
      .filter(({ effect }) => effect === "allow")
      .map(({ pattern }) => pattern);
  }

  /** The patterns that a subnet imports from one origin or another. */
  importsOf(subnet: string): EventPattern[] {
    const patterns = new Map<string, EventPattern>();
    for (const rules of this.#byHolder.values()) {
      for (const { verb, subnet: holder, effect, pattern } of rules) {
        if (verb === "import" && holder === subnet && effect === "allow") patterns.set(pattern.text, pattern);
      }
    }
    return [...patterns.values()];
  }

  #index(rules: readonly PolicyRule[]): void {
    for (const rule of rules) {
      for (const from of rule.from ?? [undefined]) {
        const key = holderKey(rule, from);
        const held = this.#byHolder.get(key);
        if (held === undefined) this.#byHolder.set(key, [rule]);
        else held.push(rule);
      }
    }
  }

  /** The rules about one origin, or those about any: a holder has the one kind or the other. */
  #rulesOf(question: PolicyQuestion): readonly PolicyRule[] {
    const about =
      question.from === undefined ? undefined : this.#byHolder.get(holderKey(question, question.from));
    return about ?? this.#byHolder.get(holderKey(question, undefined)) ?? [];
  }

  #deny(question: PolicyQuestion, what: string, rule: PolicyRule | undefined): PolicyDecision {
    const { verb, subnet, node, from } = question;
    const who = node === undefined ? subnet : `${subnet}/${node}`;
    const asked = `${who} may not ${verb} ${what}${from === undefined ? "" : ` from ${from}`}`;
    if (rule !== undefined) return { allowed: false, rule: rule.id, reason: `${asked}: ${whyDenied(rule)}` };
    const patterns = this.patternsFor(question);
    const allowed = patterns.slice(0, MAX_TOLD).map(({ text }) => text);
    if (patterns.length > MAX_TOLD) allowed.push(`and ${patterns.length - MAX_TOLD} more`);
    const may = allowed.length === 0 ? `nothing` : allowed.join(" ");
    return {
      allowed: false,
      rule: DEFAULT_DENY,
      reason: `${asked}: no rule allows it (${who} may ${verb} ${may})`,
    };
  }
}

function whyDenied({ id, verb, subnet, pattern, unregistered }: PolicyRule): string {
  if (unregistered === true)
    return `a rule denies a part of ${pattern.text}, so only events of the registry pass there`;
  if (id !== CLEARANCE) return `a rule denies ${pattern.text}`;
  return verb === "import"
    ? `its schema classifies data for which ${subnet} is not cleared`
    : `its schema classifies data for which no other subnet is cleared, or that of its reply data for which ${subnet} is not`;
}

/** Turns a refusal into the typed error. */
export function deniedError(decision: PolicyDecision & { allowed: false }): MeshError {
  return new MeshError("denied", `${decision.reason}; rule ${decision.rule}`, { rule: decision.rule });
}

function holderKey({ verb, subnet, node }: PolicyQuestion | PolicyRule, from: string | undefined): string {
  const who = node === undefined ? `${verb} ${subnet}` : `${verb} ${subnet}/${node}`;
  return from === undefined ? who : `${who}<${from}`;
}
