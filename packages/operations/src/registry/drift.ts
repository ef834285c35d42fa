import { type EventPattern, formatEventRef, parseEventRef, patternMatches } from "@adaos/core";
import type { EventRecord } from "@adaos/registry";

export type DriftRole = "producer" | "consumer";

/** A difference between what the registry declares and what was seen. */
export interface Drift {
  readonly drift: "declared-never-seen" | "seen-never-declared";
  readonly role: DriftRole;
  /** `ui.notify@1` */
  readonly event: string;
  /** As it is declared (`scenario.*`), or as it was seen: the component of a producer, the durable of a consumer. */
  readonly component: string;
  /** Nodes where it was seen: `alpha/kitchen`. */
  readonly nodes: readonly string[];
}

/** A durable of a member, and what it takes. */
export interface SeenDurable {
  readonly node: string;
  readonly durable: string;
  readonly pattern: EventPattern;
}

/** Pairs of event and component that are kept apart; what hostile nodes invent beyond that is not. */
const MAX_PRODUCERS = 20_000;
/** Durables of the members' daemons, which only look on: they are not consumers of any component. */
const JOURNAL = /^journal(-|$)/;

/** The publishers seen: nodes by event and component. */
export class SeenProducers {
  readonly #seen = new Map<string, Map<string, Set<string>>>();
  #pairs = 0;

  add(event: string, component: string, node: string): void {
    const components = this.#seen.get(event) ?? new Map<string, Set<string>>();
    const nodes = components.get(component) ?? new Set<string>();
    if (!nodes.has(node) && this.#pairs++ >= MAX_PRODUCERS) return;
    this.#seen.set(event, components.set(component, nodes.add(node)));
  }

  get events(): readonly string[] {
    return [...this.#seen.keys()];
  }

  of(event: string): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#seen.get(event) ?? new Map();
  }
}

/**
 * Compares declared components with those that were seen. Deprecated events are expected to fall silent, and drafts not
 * to have begun, so an unused one is no drift. Replies have no durables. Pure.
 */
export function driftOf(
  records: readonly EventRecord[],
  producers: SeenProducers,
  durables: readonly SeenDurable[],
): Drift[] {
  const declared = new Map(records.map((record) => [formatEventRef(record.name, record.version), record]));
  return [...new Set([...declared.keys(), ...producers.events])].sort().flatMap((event) => {
    const record = declared.get(event);
    const takers = durables.filter(({ durable, pattern }) => !JOURNAL.test(durable) && takes(pattern, event));
    const isPublished = producers.of(event).size > 0;
    return [
      ...producerDrift(event, record, producers.of(event)),
      ...(record?.kind === "reply" ? [] : consumerDrift(event, record, takers, isPublished)),
    ];
  });
}

function takes(pattern: EventPattern, event: string): boolean {
  const { name, version } = parseEventRef(event);
  return version !== undefined && patternMatches(pattern, name, version);
}

function producerDrift(
  event: string,
  record: EventRecord | undefined,
  seen: ReadonlyMap<string, ReadonlySet<string>>,
): Drift[] {
  const patterns = record?.producers ?? [];
  const unseen = patterns
    .filter((pattern) => ![...seen.keys()].some((component) => componentMatches(pattern, component)))
    .map((component) => missing(event, "producer", component));
  const undeclared = [...seen]
    .filter(([component]) => !patterns.some((pattern) => componentMatches(pattern, component)))
    .map(([component, nodes]) => found(event, "producer", component, [...nodes]));
  return [...(isExpected(record) ? unseen : []), ...undeclared];
}

/** A durable that takes a prefix or `*` counts only for events that were published. */
function consumerDrift(
  event: string,
  record: EventRecord | undefined,
  takers: readonly SeenDurable[],
  isPublished: boolean,
): Drift[] {
  const patterns = record?.consumers ?? [];
  const isOf = (pattern: string, { durable, node }: SeenDurable): boolean =>
    durableMatches(pattern, durable) || durableMatches(pattern, node.split("/")[1] ?? "");
  const unseen = patterns
    .filter((pattern) => !takers.some((taker) => isOf(pattern, taker)))
    .map((component) => missing(event, "consumer", component));
  const undeclared = new Map<string, string[]>();
  for (const taker of takers) {
    if (patterns.some((pattern) => isOf(pattern, taker))) continue;
    if (taker.pattern.kind !== "name" && !isPublished) continue;
    undeclared.set(taker.durable, [...(undeclared.get(taker.durable) ?? []), taker.node]);
  }
  return [
    ...(isExpected(record) ? unseen : []),
    ...[...undeclared].map(([durable, nodes]) => found(event, "consumer", durable, nodes)),
  ];
}

function isExpected(record: EventRecord | undefined): boolean {
  return record?.status === "stable";
}

function missing(event: string, role: DriftRole, component: string): Drift {
  return { drift: "declared-never-seen", role, event, component, nodes: [] };
}

function found(event: string, role: DriftRole, component: string, nodes: readonly string[]): Drift {
  return { drift: "seen-never-declared", role, event, component, nodes: nodes.toSorted() };
}

/** Whether a declared component (`scenario.*`) means this one; `*` is any one token. Pure. */
export function componentMatches(declared: string, component: string): boolean {
  const [wanted, tokens] = [declared.split("."), component.split(".")];
  return wanted.length === tokens.length && wanted.every((token, i) => token === "*" || token === tokens[i]);
}

/** Names of durables and nodes have no dots: `skill.nlp` takes by a durable `skill-nlp`, or at a node of that name. */
function durableMatches(declared: string, name: string): boolean {
  const tokens = declared
    .split(".")
    .map((token) => (token === "*" ? "[a-z0-9-]+" : token.replaceAll("_", "-")));
  return new RegExp(`^${tokens.join("-")}$`).test(name);
}
