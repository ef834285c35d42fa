import { type EventPattern, MeshError, parseEventPattern } from "@adaos/core";
import {
  DURABLE_METADATA,
  eventsStream,
  filterOrigin,
  isEventSubject,
  originTokenProblem,
  parseMemberConsumer,
  patternCovers,
  quote,
} from "@adaos/core/wire";
import type { ConsumerInfo } from "nats";
import type { OpenServer } from "../hubs.ts";

/** The origin of events; a part that is not given matches any. */
export interface Origin {
  readonly subnet?: string;
  readonly node?: string;
}

/** Which events. */
export interface Selection {
  readonly pattern: EventPattern;
  readonly from: Origin;
}

/** A durable of a member, and what it takes. */
export interface ReplayTarget extends Selection {
  readonly node: string;
  readonly durable: string;
}

/** Finds `desk/screen` in a subnet. Rejects with `usage` and the names there are. */
export async function findTarget({ of, jsm }: OpenServer, name: string): Promise<ReplayTarget> {
  const known: string[] = [];
  for await (const info of jsm.consumers.list(eventsStream(of))) {
    const target = targetOf(info);
    if (target === undefined) continue;
    if (nameOf(target) === name) return target;
    known.push(nameOf(target));
  }
  const there = known.length === 0 ? "there is none" : `there are ${known.sort().join(", ")}`;
  throw new MeshError("usage", `no durable ${quote(name)} in ${of}; ${there}`);
}

/** A consumer as the durable of a member, or nothing when it is none. Pure. */
export function targetOf({ name, config }: ConsumerInfo): ReplayTarget | undefined {
  const pattern = config.metadata?.[DURABLE_METADATA.pattern];
  const of = parseMemberConsumer(name);
  const filter = config.filter_subjects?.find(isEventSubject);
  if (pattern === undefined || of === undefined || filter === undefined) return undefined;
  return { ...of, pattern: parseEventPattern(pattern), from: filterOrigin(filter) };
}

/** The selection of the durable's events: all of them, unless `asked` is narrower. Throws `usage`. Pure. */
export function narrowed(target: ReplayTarget, asked: Partial<Selection>): Selection {
  const { pattern = target.pattern, from = {} } = asked;
  const isWithin = (outer: string | undefined, inner: string | undefined): boolean =>
    outer === undefined || inner === undefined || outer === inner;
  // A subnet that is asked for means all its nodes, and the durable may take fewer.
  const isWider = target.from.node !== undefined && from.subnet !== undefined && from.node === undefined;
  if (
    isWider ||
    !patternCovers(target.pattern, pattern) ||
    !isWithin(target.from.subnet, from.subnet) ||
    !isWithin(target.from.node, from.node)
  ) {
    const want = told({ pattern, from });
    throw new MeshError("usage", `${nameOf(target)} takes ${told(target)}; ${want} is not all within that`);
  }
  return { pattern, from: { ...target.from, ...from } };
}

/** Parses `alpha` or `alpha/kitchen`. Throws `usage`. */
export function parseOrigin(text: string): Origin {
  const [subnet = "", node, ...rest] = text.split("/");
  const isOrigin = rest.length === 0 && originTokenProblem(subnet) === undefined;
  if (isOrigin && (node === undefined || originTokenProblem(node) === undefined))
    return node === undefined ? { subnet } : { subnet, node };
  throw new MeshError("usage", `${quote(text)} is no origin; write alpha or alpha/kitchen`);
}

function nameOf({ node, durable }: ReplayTarget): string {
  return `${node}/${durable}`;
}

function told({ pattern, from }: Selection): string {
  if (from.subnet === undefined && from.node === undefined) return pattern.text;
  return `${pattern.text} from ${from.subnet ?? "*"}/${from.node ?? "*"}`;
}
