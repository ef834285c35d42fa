import { MeshError } from "@adaos/core";
import { originTokenProblem, parseNodeAddress, quote } from "@adaos/core/wire";

/** Which failures to look at; a field that is not given matches all. */
export interface FailureFilter {
  /** A subnet. */
  readonly at?: string;
  /** `alpha/speaker`. */
  readonly node?: string;
  readonly durable?: string;
  /** An event's name, or a prefix with its dot. */
  readonly event?: string;
  readonly category?: string;
}

/**
 * The subject, below `root`, of a subnet's stored failures of these handlers; undefined when the filter names a node of
 * another subnet. Throws `usage`.
 */
export function filterSubject(root: string, subnet: string, filter: FailureFilter): string | undefined {
  const of = handlersOf(subnet, filter);
  return of === undefined ? undefined : `${root}.${subnet}.${of.node}.${of.durable}`;
}

/**
 * The handlers of a subnet that the filter matches, `*` for all; undefined when it names another subnet's. Throws
 * `usage`.
 */
export function handlersOf(
  subnet: string,
  filter: FailureFilter,
): { readonly node: string; readonly durable: string } | undefined {
  const node = filter.node === undefined ? undefined : parseNodeAddress(filter.node);
  const problem = filter.durable === undefined ? undefined : originTokenProblem(filter.durable);
  if (problem !== undefined)
    throw new MeshError("usage", `durable ${quote(filter.durable ?? "")} ${problem}`);
  if (node !== undefined && node.subnet !== subnet) return undefined;
  return { node: node?.node ?? "*", durable: filter.durable ?? "*" };
}

/** Whether the filter means this event. */
export function isOfEvent(filter: FailureFilter, name: string): boolean {
  if (filter.event === undefined) return true;
  return filter.event.endsWith(".") ? name.startsWith(filter.event) : name === filter.event;
}
