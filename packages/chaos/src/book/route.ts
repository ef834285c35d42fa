import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatEventRef, MeshError, parseEventRef } from "@adaos/core";
import { askPolicy, type LoadedPolicy, loadPolicy, passes } from "@adaos/policy";
import { meshFileIn } from "@adaos/provision";
import type { ChaosMesh } from "../chaos-mesh.ts";

/** The event, publisher and handler that show whether events flow. */
export interface Route {
  /** `ui.notify@1` */
  readonly event: string;
  /** `alpha/kitchen` */
  readonly from: string;
  readonly to: string;
  readonly data: unknown;
}

export interface RouteWish {
  readonly event?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * A route that the policy allows and the user wished for, preferably across the root. Its data are an example of
 * the registry. Rejects with `usage` when there is none.
 */
export async function findRoute(mesh: ChaosMesh, wish: RouteWish): Promise<Route> {
  const loaded = await loadPolicy(meshFileIn(mesh.layout));
  const members = mesh.layout.nodes.filter(({ role }) => role === "member").map(({ id }) => id);
  for (const node of [wish.from, wish.to]) {
    if (node !== undefined && !members.includes(node)) {
      throw new MeshError("usage", `no member ${node} on this machine; there are ${members.join(", ")}`);
    }
  }
  const pairs = members
    .filter((from) => wish.from === undefined || wish.from === from)
    .flatMap((from) =>
      members.filter((to) => wish.to === undefined || wish.to === to).map((to) => ({ from, to })),
    )
    .sort((a, b) => Number(crosses(b)) - Number(crosses(a)));
  for (const { from, to } of pairs) {
    for (const { event, example } of candidates(loaded, wish.event)) {
      if (!passes(askPolicy(loaded, { verb: "publish", event, as: from, to }))) continue;
      const data: unknown = JSON.parse(readFileSync(join(loaded.registry.dir, example), "utf8"));
      return { event, from, to, data };
    }
  }
  const wished = [
    wish.event ?? "an event",
    `from ${wish.from ?? "a member"}`,
    `to ${wish.to ?? "another"}`,
  ].join(" ");
  throw new MeshError("usage", `no policy lets ${wished} pass; adaos policy explain tells why`);
}

function crosses({ from, to }: { readonly from: string; readonly to: string }): boolean {
  return from.split("/")[0] !== to.split("/")[0];
}

/** Events only, since commands would need answers. The named ones, or all with an example. */
function candidates(
  { registry }: LoadedPolicy,
  wish: string | undefined,
): { event: string; example: string }[] {
  const ref = wish === undefined ? undefined : parseEventRef(wish);
  return registry.records.flatMap(({ name, version, kind, examples }) => {
    const isMeant = ref === undefined || (ref.name === name && (ref.version ?? version) === version);
    const [example] = examples;
    if (!isMeant || kind !== "event" || example === undefined) return [];
    return [{ event: formatEventRef(name, version), example }];
  });
}
