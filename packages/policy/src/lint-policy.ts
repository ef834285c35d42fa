import {
  compilePolicy,
  type EventPattern,
  formatEventRef,
  type Mesh,
  Policy,
  patternMatches,
} from "@adaos/core";
import { CLEARANCE, type DeclaredRule } from "@adaos/core/wire";
import { guardedSpots, type LoadedPolicy } from "./load-policy.ts";

/** Something in a policy that is allowed but probably not intended. */
export interface Finding {
  readonly rule: string;
  readonly place: string;
  readonly message: string;
}

/** One rule of a mesh file, in `policy` or in a list. */
export interface WrittenRule {
  readonly id: string;
  readonly patterns: readonly EventPattern[];
}

/** Every rule of a mesh file by its id: those of `policy` first, then the lists of subnets and members. Pure. */
export function writtenRules({ policy, subnets }: Mesh): WrittenRule[] {
  const declared = policy.map(({ id, events }) => ({ id, patterns: events }));
  const lists: WrittenRule[] = [];
  const addList = (holder: string, verb: string, patterns: readonly EventPattern[]): void => {
    for (const [i, pattern] of patterns.entries()) {
      lists.push({ id: `${holder}.${verb}[${i}]`, patterns: [pattern] });
    }
  };
  for (const { name, exports, imports, members } of subnets.values()) {
    addList(name, "export", exports);
    addList(name, "import", imports);
    for (const { name: node, publish, subscribe } of members.values()) {
      addList(`${name}.${node}`, "publish", publish);
      addList(`${name}.${node}`, "subscribe", subscribe);
    }
  }
  return [...declared, ...lists];
}

/** The same mesh without one of its rules; ids of the other rules stay. Pure. */
export function withoutRule(mesh: Mesh, id: string): Mesh {
  const keep = (holder: string, verb: string, patterns: readonly EventPattern[]): EventPattern[] =>
    // Replaced, not removed: the ids of later rules are their places.
    patterns.map((pattern, i) => (`${holder}.${verb}[${i}]` === id ? NOTHING : pattern));
  const subnets = [...mesh.subnets.values()].map((subnet) => {
    const { name } = subnet;
    const members = [...subnet.members.values()].map((member) => {
      const holder = `${name}.${member.name}`;
      const publish = keep(holder, "publish", member.publish);
      const subscribe = keep(holder, "subscribe", member.subscribe);
      return [member.name, { ...member, publish, subscribe }] as const;
    });
    const exports = keep(name, "export", subnet.exports);
    const imports = keep(name, "import", subnet.imports);
    return [name, { ...subnet, exports, imports, members: new Map(members) }] as const;
  });
  const policy: DeclaredRule[] = mesh.policy.filter((rule) => rule.id !== id);
  return { ...mesh, subnets: new Map(subnets), policy };
}

/** A pattern that matches no possible name. */
const NOTHING: EventPattern = { text: "(none)", kind: "name", stem: "(none)", version: undefined };

/**
 * Finds rules that decide nothing, rules without an event of the registry, and rules that allow events which clearance
 * denies.
 */
export function lintPolicy(loaded: LoadedPolicy): Finding[] {
  return [...idleRules(loaded), ...heldRules(loaded)];
}

/** Rules that clearance overrides. A rule that denies the same event by name shows intent, so it is no finding. */
function heldRules(loaded: LoadedPolicy): Finding[] {
  const { meshFile, events, rules, policy } = loaded;
  const open = events.map(({ classes: _, ...event }) => event);
  const declared = new Policy(compilePolicy(meshFile.mesh, open));
  const eventOf = new Map(events.map((event) => [formatEventRef(event.name, event.version), event]));
  const held = new Map<string, Set<string>>();
  // Only what clearance denies, and one origin of each group: asking every pair of subnets for every event took hours
  // with a thousand subnets.
  for (const { id, verb, subnet, from: [from] = [undefined], pattern } of rules) {
    const event = id === CLEARANCE ? eventOf.get(pattern.text) : undefined;
    if (event === undefined) continue;
    const question = { verb, subnet, ...(from === undefined ? {} : { from }) };
    const was = declared.decide(question, event.name, event.version);
    const is = policy.decide(question, event.name, event.version);
    if (!was.allowed || is.allowed || is.rule !== CLEARANCE) continue;
    const found = held.get(was.rule) ?? new Set();
    const [spot] = guardedSpots(loaded, event);
    found.add(`${pattern.text} (${spot?.class} at ${spot?.place()})`);
    held.set(was.rule, found);
  }
  return [...held].map(([rule, found]) => {
    const place = meshFile.placeOfRule(rule) ?? meshFile.file;
    return { rule, place, message: `never lets through ${[...found].join(", ")}: clearance is missing` };
  });
}

function idleRules({ meshFile, events, rules }: LoadedPolicy): Finding[] {
  const deciding = new Set(rules.map(({ id }) => id));
  const findings: Finding[] = [];
  for (const { id, patterns } of writtenRules(meshFile.mesh)) {
    const place = meshFile.placeOfRule(id) ?? meshFile.file;
    const idle = patterns.filter((pattern) => {
      return !events.some(({ name, version }) => patternMatches(pattern, name, version));
    });
    if (!deciding.has(id)) {
      findings.push({
        rule: id,
        place,
        message: "decides nothing: it is for nobody, or rules before it cover it",
      });
    } else if (idle.length > 0) {
      const what = idle.map(({ text }) => text).join(" ");
      findings.push({ rule: id, place, message: `the registry has no event ${what}` });
    }
  }
  return findings;
}
