import { parseProgram } from "@adaos/core/wire";
import type { MeshHealth } from "./health.ts";

/** The program of a node, as it or a peer of it told. */
export interface NodeProgram {
  readonly node: string;
  /** `0.1.0/1`: version and protocol. Undefined when the node answers and does not tell it: it is of before. */
  readonly program: string | undefined;
  /** The node that heard it; undefined when the node itself was asked. */
  readonly heardBy?: string;
}

/**
 * The programs of all nodes that this machine knows: its own daemons, and those of other machines that its hubs and its
 * root have heard. Pure.
 */
export function programsOf({ components }: Pick<MeshHealth, "components">): readonly NodeProgram[] {
  const daemons = components.filter(({ kind, details }) => kind === "node" && details !== undefined);
  const own = daemons.map(({ name, program }): NodeProgram => ({ node: name, program }));
  const heard = daemons.flatMap(({ name, details = {} }) => {
    const subnet = name.endsWith("/hub") ? name.slice(0, -"/hub".length) : undefined;
    const members = toldIn(details["members"]).map(
      ([node, program]) => [`${subnet}/${node}`, program] as const,
    );
    const hubs = toldIn(details["links"]).map(([hub, program]) => [`${hub}/hub`, program] as const);
    const root = subnet === undefined ? [] : toldIn(details["registry"]);
    return [...members, ...hubs, ...root].map(([node, program]): NodeProgram => {
      return { node, program, heardBy: name };
    });
  });
  const found = new Map<string, NodeProgram>();
  for (const one of [...own, ...heard]) if (!found.has(one.node)) found.set(one.node, one);
  return [...found.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
}

function toldIn(details: unknown): [node: string, program: string][] {
  const { programs } = (details ?? {}) as { readonly programs?: Readonly<Record<string, unknown>> };
  return Object.entries(programs ?? {}).filter(
    (told): told is [string, string] => typeof told[1] === "string" && parseProgram(told[1]) !== undefined,
  );
}
