import type { DataClass } from "../language/data-class.ts";
import type { EventKind } from "../language/envelope.ts";
import { formatEventRef } from "../language/event-name.ts";
import {
  type EventPattern,
  parseEventPattern,
  patternCovers,
  patternMatches,
} from "../language/event-pattern.ts";
import { replyName } from "../wire/reply-subject.ts";
import { type DeclaredRule, foreignSubnets, type Member, type Mesh, type Subnet } from "./mesh.ts";
import { CLEARANCE, type PolicyRule, type PolicyVerb } from "./policy.ts";

/** An event of the registry. */
export interface KnownEvent {
  readonly name: string;
  readonly version: number;
  readonly kind: EventKind;
  /** Classes of data in its schema. @default none */
  readonly classes?: readonly DataClass[];
}

/** Id of the rule that keeps events of other tenants out of a subnet. */
export const TENANT_BOUNDARY = "tenant-boundary";

/** The subnet from which an event comes, of this region or of another. */
type Origin = Pick<Subnet, "name" | "tenant">;

/** An allowed or denied pattern, without its holder. */
export type Clause = Pick<PolicyRule, "id" | "effect" | "pattern" | "unregistered">;

/**
 * Compiles the rules of a mesh for each member and each subnet. The first match wins: first clearance denies, then
 * the rules of `policy` apply in their order, then the lists of subnets and members.
 *
 * Servers know no order, and a consumer's filters only allow. So an allowing rule that an earlier rule cuts is
 * replaced: it allows the remaining events of the registry, and denies unregistered events. A rule with kinds means
 * the registry's events of these kinds. All other rules stay as written. Pure.
 */
export function compilePolicy(mesh: Mesh, events: readonly KnownEvent[]): PolicyRule[] {
  const rules: PolicyRule[] = [];
  const guarded = guardedOf(events);
  for (const subnet of mesh.subnets.values()) {
    rules.push(...exportRules(mesh, subnet, events, guarded), ...importRules(mesh, subnet, events, guarded));
    for (const member of subnet.members.values()) {
      for (const verb of ["publish", "subscribe"] as const) {
        rules.push(...memberRules(mesh, subnet, member, verb, events));
      }
    }
  }
  return rules;
}

/** A root answers a thousand machines that follow it, all from one list. */
const grouped = new WeakMap<readonly PolicyRule[], ReadonlyMap<string, readonly PolicyRule[]>>();

/** The compiled rules by subnet, each with those of its members. Pure apart from its cache. */
export function rulesBySubnet(rules: readonly PolicyRule[]): ReadonlyMap<string, readonly PolicyRule[]> {
  const known = grouped.get(rules) ?? groupRules(rules);
  grouped.set(rules, known);
  return known;
}

function groupRules(rules: readonly PolicyRule[]): ReadonlyMap<string, readonly PolicyRule[]> {
  const bySubnet = new Map<string, PolicyRule[]>();
  for (const rule of rules) {
    const present = bySubnet.get(rule.subnet);
    if (present === undefined) bySubnet.set(rule.subnet, [rule]);
    else present.push(rule);
  }
  return bySubnet;
}

/** The compiled rules about one member or, without `node`, about the subnet and all its members. */
export function rulesOf(rules: readonly PolicyRule[], subnet: string, node?: string): PolicyRule[] {
  return rules.filter((rule) => rule.subnet === subnet && (node === undefined || rule.node === node));
}

function exportRules(
  mesh: Mesh,
  subnet: Subnet,
  events: readonly KnownEvent[],
  guarded: readonly Guarded[],
): PolicyRule[] {
  const clauses = [
    ...declaredClauses(mesh.policy, { verb: "export", subnet }, events),
    ...listClauses(subnet.name, "export", subnet.exports),
  ];
  const neighbours = [...mesh.subnets.values()].filter(({ name }) => name !== subnet.name);
  const others = [...neighbours, ...(mesh.regions?.values() ?? [])];
  const restricted = guarded.filter(({ classes, replyClasses }) => {
    return !others.some((other) => isCleared(other, classes)) || !isCleared(subnet, replyClasses);
  });
  return resolve(withClearance(clauses, restricted), events).map((clause) => ({
    ...clause,
    verb: "export",
    subnet: subnet.name,
  }));
}

/** Import rules with their origins, or without where all origins have the same rules. */
function importRules(
  mesh: Mesh,
  subnet: Subnet,
  events: readonly KnownEvent[],
  guarded: readonly Guarded[],
): PolicyRule[] {
  const groups = new Map<string, { readonly origin: Origin; readonly from: string[] }>();
  const rules = mesh.policy.filter((rule) => rule.verbs.includes("import") && isFor(rule, subnet));
  for (const origin of [...mesh.subnets.values(), ...foreignSubnets(mesh)]) {
    if (origin.name === subnet.name) continue;
    // Origins with the same rules share a list.
    const about = rules.filter((rule) => isAbout(rule, { verb: "import", subnet, origin }));
    const key = `${origin.tenant === subnet.tenant} ${about.map(({ id }) => id).join(" ")}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { origin, from: [origin.name] });
    else group.from.push(origin.name);
  }
  return [...groups.values()].flatMap(({ origin, from }) => {
    const clauses = [
      ...declaredClauses(rules, { verb: "import", subnet, origin }, events),
      ...(origin.tenant === subnet.tenant ? [] : [BOUNDARY]),
      ...listClauses(subnet.name, "import", subnet.imports),
    ];
    const about = groups.size === 1 ? {} : { from };
    const restricted = guarded.filter(({ classes }) => !isCleared(subnet, classes));
    return resolve(withClearance(clauses, restricted), events).map((clause): PolicyRule => {
      return { ...clause, verb: "import", subnet: subnet.name, ...about };
    });
  });
}

/** A restricted event: its data or its reply's data is classified. */
export interface Guarded {
  readonly event: KnownEvent;
  readonly classes: readonly DataClass[];
  /**
   * Classes of a command's reply. The reply takes the command's way back: a subnet without clearance for it may not
   * ask.
   */
  readonly replyClasses: readonly DataClass[];
}

export function guardedOf(events: readonly KnownEvent[]): Guarded[] {
  const classified = new Map(
    events.map(({ name, version, classes = [] }) => [formatEventRef(name, version), classes]),
  );
  return events
    .map((event): Guarded => {
      const { name, version, kind, classes = [] } = event;
      const answer = formatEventRef(replyName(name), version);
      return { event, classes, replyClasses: kind === "command" ? (classified.get(answer) ?? []) : [] };
    })
    .filter(({ classes, replyClasses }) => classes.length + replyClasses.length > 0);
}

export function isCleared(
  { clearance = [] }: Pick<Subnet, "clearance">,
  classes: readonly DataClass[],
): boolean {
  return classes.every((one) => clearance.includes(one));
}

/** Puts denials of restricted events before all other rules, where a rule would allow them. */
export function withClearance(clauses: readonly Clause[], guarded: readonly Guarded[]): Clause[] {
  const denied = guarded
    .filter(({ event: { name, version } }) => {
      return clauses.some(
        ({ effect, pattern }) => effect === "allow" && patternMatches(pattern, name, version),
      );
    })
    .map(({ event }): Clause => ({ id: CLEARANCE, effect: "deny", pattern: oneVersion(event) }));
  return [...denied, ...clauses];
}

const BOUNDARY: Clause = { id: TENANT_BOUNDARY, effect: "deny", pattern: parseEventPattern("*") };

function memberRules(
  mesh: Mesh,
  subnet: Subnet,
  member: Member,
  verb: "publish" | "subscribe",
  events: readonly KnownEvent[],
): PolicyRule[] {
  const clauses = [
    ...declaredClauses(mesh.policy, { verb, subnet, member }, events),
    ...listClauses(`${subnet.name}.${member.name}`, verb, member[verb]),
  ];
  return resolve(clauses, events).map((clause): PolicyRule => {
    return { ...clause, verb, subnet: subnet.name, node: member.name };
  });
}

export function listClauses(holder: string, verb: PolicyVerb, patterns: readonly EventPattern[]): Clause[] {
  return patterns.map((pattern, i) => ({ id: `${holder}.${verb}[${i}]`, effect: "allow", pattern }));
}

/** The member or subnet that a rule is tested for. */
interface Holder {
  readonly verb: PolicyVerb;
  readonly subnet: Subnet;
  readonly member?: Member;
  readonly origin?: Origin;
}

function declaredClauses(
  policy: readonly DeclaredRule[],
  holder: Holder,
  events: readonly KnownEvent[],
): Clause[] {
  return policy
    .filter((rule) => isAbout(rule, holder))
    .flatMap(({ id, effect, events: patterns, kinds }) => {
      const meant = kinds === undefined ? patterns : ofKinds(patterns, kinds, events);
      return meant.map((pattern): Clause => ({ id, effect, pattern }));
    });
}

function isFor(rule: DeclaredRule, subnet: Subnet): boolean {
  return names(rule.subnets, subnet.name) && names(rule.tenants, subnet.tenant);
}

function isAbout(rule: DeclaredRule, { verb, subnet, member, origin }: Holder): boolean {
  const { from } = rule;
  return (
    rule.verbs.includes(verb) &&
    isFor(rule, subnet) &&
    (rule.members === undefined || (member !== undefined && rule.members.includes(member.name))) &&
    (rule.roles === undefined || rule.roles.some((role) => member?.roles.includes(role) === true)) &&
    (origin === undefined || names(from?.subnets, origin.name)) &&
    (origin === undefined || names(from?.tenants, origin.tenant)) &&
    // Only a rule that names its origin lets events cross the border of a tenant.
    (origin === undefined || origin.tenant === subnet.tenant || rule.effect === "deny" || from !== undefined)
  );
}

const names = (wanted: readonly string[] | undefined, name: string): boolean =>
  wanted?.includes(name) ?? true;

/** The registry's events of these kinds that match the patterns, one by one: no subject contains a kind. */
function ofKinds(
  patterns: readonly EventPattern[],
  kinds: readonly EventKind[],
  events: readonly KnownEvent[],
): EventPattern[] {
  return patterns.flatMap((pattern) =>
    events
      .filter((event) => kinds.includes(event.kind) && patternMatches(pattern, event.name, event.version))
      .map(oneVersion),
  );
}

export const oneVersion = ({ name, version }: KnownEvent): EventPattern =>
  parseEventPattern(`${name}@${version}`);

/** Turns first-match rules into rules without order: all that allow, then all that deny. */
export function resolve(clauses: readonly Clause[], events: readonly KnownEvent[]): Clause[] {
  const allowed: Clause[] = [];
  const denied: Clause[] = [];
  const earlier: Clause[] = [];
  for (const clause of clauses) {
    const { id, effect, pattern } = clause;
    // Patterns are nested or apart, never overlapping: a pattern that no single one covers is not covered.
    if (earlier.some((other) => patternCovers(other.pattern, pattern))) continue;
    const cut = earlier.find((other) => other.effect === "deny" && patternCovers(pattern, other.pattern));
    if (effect === "deny") denied.push(clause);
    else if (cut === undefined) allowed.push(clause);
    else {
      const left = leftOf(pattern, earlier, events);
      allowed.push(...left.map((one): Clause => ({ id, effect, pattern: one })));
      denied.push({ id: cut.id, effect: "deny", pattern, unregistered: true });
    }
    earlier.push(clause);
  }
  return [...allowed, ...denied];
}

/**
 * The part of a pattern that no earlier rule decides, as far as the registry's events show it. It consists of whole
 * prefixes and names where no earlier rule has a narrower pattern, else of single versions.
 */
function leftOf(
  pattern: EventPattern,
  earlier: readonly Clause[],
  events: readonly KnownEvent[],
): EventPattern[] {
  const left = new Map<string, EventPattern>();
  for (const event of events) {
    if (!patternMatches(pattern, event.name, event.version)) continue;
    if (earlier.some((other) => patternMatches(other.pattern, event.name, event.version))) continue;
    const whole = aroundEvent(event).find(
      (around) =>
        patternCovers(pattern, around) && !earlier.some((other) => patternCovers(around, other.pattern)),
    );
    const one = whole ?? oneVersion(event);
    left.set(one.text, one);
  }
  return [...left.values()];
}

/** Every prefix of an event's name, and the name: the widest first. */
function aroundEvent({ name }: KnownEvent): EventPattern[] {
  const tokens = name.split(".");
  const prefixes = tokens.slice(1).map((_, i) => `${tokens.slice(0, i + 1).join(".")}.`);
  return [...prefixes, name].map(parseEventPattern);
}
