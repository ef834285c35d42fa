import { MeshError } from "../language/errors.ts";
import { formatEventRef } from "../language/event-name.ts";
import { type EventPattern, patternCovers, patternMatches } from "../language/event-pattern.ts";

/** Members publish and subscribe; subnets export to the root and import from it. */
export type PolicyVerb = "publish" | "subscribe" | "export" | "import";

/**
 * A rule for one holder: a member (`node` given) or a subnet. `compilePolicy()` derives them from a mesh's
 * declarations. A holder's allowing rules come first, and none of them overlaps a denial. So a server, which knows
 * no order, enforces the same by the patterns of {@link Policy.patternsFor} alone.
 */
export interface PolicyRule {
  /**
   * Names the rule in refusals: a declared id, or a place in the mesh file, for example `alpha.kitchen.publish[0]`.
   */
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly verb: PolicyVerb;
  readonly subnet: string;
  /** The member, with `publish` and `subscribe`. */
  readonly node?: string;
  /** With `import`: origins of the events that it applies to. @default any */
  readonly from?: readonly string[];
  readonly pattern: EventPattern;
  /**
   * Denies only the unregistered events of the pattern: the rule of this id cuts into an allowing rule, which keeps
   * the rest.
   */
  readonly unregistered?: true;
}

/** The member or subnet that asks, and the verb. */
export interface PolicyQuestion {
  readonly verb: PolicyVerb;
  readonly subnet: string;
  readonly node?: string;
  /** With `import`: the origin of the event. */
  readonly from?: string;
}

export type PolicyDecision =
  | { readonly allowed: true; readonly rule: string }
  | { readonly allowed: false; readonly rule: string; readonly reason: string };

/** Id under which exceeded budgets are reported. */
export const BUDGET = "budget";

/** Id of the refusal where no rule allows. */
export const DEFAULT_DENY = "default-deny";

/**
 * Id of the rule that keeps events with classified data from a subnet without clearance. No rule of a mesh file
 * overrides it.
 */
export const CLEARANCE = "clearance";

/** Patterns that a refusal lists; more would fill the logs. */
const MAX_LISTED = 20;

/** Decisions that a policy remembers; with more distinct events the memory is emptied. */
const MAX_REMEMBERED = 10_000;

/** Rules with a memory of their decisions, so that ten thousand rules cost an event no more than ten. */
export class Policy {
  readonly #byHolder = new Map<string, PolicyRule[]>();
  /** Allowed imports of each subnet. */
  readonly #imports = new Map<string, Map<string, EventPattern>>();
  /** Subnets whose import rules differ by origin. */
  readonly #byOrigin = new Set<string>();
  readonly #remembered = new Map<string, PolicyDecision>();
  #revision = 0;

  constructor(rules: readonly PolicyRule[]) {
    this.#index(rules);
  }

  /** Counts the replacements. Derived values are stale when it differs. */
  get revision(): number {
    return this.#revision;
  }

  /** Replaces the rules; later decisions use the new ones. */
  replace(rules: readonly PolicyRule[]): void {
    this.#byHolder.clear();
    this.#imports.clear();
    this.#byOrigin.clear();
    this.#remembered.clear();
    this.#revision++;
    this.#index(rules);
  }

  /** Whether this event may pass. The first matching rule wins. Pure but for its memory. */
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

  /** Whether every event that `pattern` matches may pass, as a subscription needs. */
  decidePattern(question: PolicyQuestion, pattern: EventPattern): PolicyDecision {
    const rules = this.#rulesOf(question);
    const allowing = rules.find(({ effect, pattern: ruled }) => {
      return effect === "allow" && patternCovers(ruled, pattern);
    });
    if (allowing !== undefined) return { allowed: true, rule: allowing.id };
    const denying = rules.find(({ effect, pattern: ruled }) => {
      return effect === "deny" && (patternCovers(ruled, pattern) || patternCovers(pattern, ruled));
    });
    return this.#deny(question, pattern.text, denying);
  }

  /** Exactly the patterns that a holder is allowed, in the order of its rules. */
  patternsFor(question: PolicyQuestion): EventPattern[] {
    return this.#rulesOf(question)
      .filter(({ effect }) => effect === "allow")
      .map(({ pattern }) => pattern);
  }

  /** The patterns that a subnet imports from any origin. */
  importsOf(subnet: string): EventPattern[] {
    return [...(this.#imports.get(subnet)?.values() ?? [])];
  }

  /** Whether a subnet's import rules differ by origin; else each origin has the same. */
  importsByOrigin(subnet: string): boolean {
    return this.#byOrigin.has(subnet);
  }

  #index(rules: readonly PolicyRule[]): void {
    for (const rule of rules) {
      if (rule.verb === "import") this.#noteImport(rule);
      for (const from of rule.from ?? [undefined]) {
        const key = holderKey(rule, from);
        const present = this.#byHolder.get(key);
        if (present === undefined) this.#byHolder.set(key, [rule]);
        else present.push(rule);
      }
    }
  }

  #noteImport({ subnet, from, effect, pattern }: PolicyRule): void {
    if (from !== undefined) this.#byOrigin.add(subnet);
    if (effect === "deny") return;
    const patterns = this.#imports.get(subnet) ?? new Map<string, EventPattern>();
    patterns.set(pattern.text, pattern);
    this.#imports.set(subnet, patterns);
  }

  /** The rules for one origin, or those for any: a holder has either kind. */
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
    const allowed = patterns.slice(0, MAX_LISTED).map(({ text }) => text);
    if (patterns.length > MAX_LISTED) allowed.push(`and ${patterns.length - MAX_LISTED} more`);
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
