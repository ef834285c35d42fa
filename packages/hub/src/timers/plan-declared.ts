import { isSameTimer, type KeptTimer, type TimerDefinition } from "@adaos/core/wire";

/** A timer of the mesh file, and the member to which it belongs. */
export interface DeclaredTimer {
  readonly node: string;
  readonly definition: TimerDefinition;
}

/**
 * The changes that make the timers match the mesh file. Timers that programs and operators have made stay. Unchanged
 * timers are in neither list. Timers of nodes that are no longer members are removed. Pure.
 */
export function planDeclared(
  kept: readonly KeptTimer[],
  declared: readonly DeclaredTimer[],
  isGone: (node: string) => boolean,
): { readonly put: readonly DeclaredTimer[]; readonly remove: readonly { node: string; name: string }[] } {
  const wanted = new Map(declared.map((one) => [keyOf(one.node, one.definition.name), one]));
  const there = new Map(kept.map(({ timer }) => [keyOf(timer.owner.node, timer.name), timer]));
  const remove = kept
    .filter(({ timer }) => {
      const isWanted = wanted.has(keyOf(timer.owner.node, timer.name));
      return isGone(timer.owner.node) || (timer.isDeclared && !isWanted);
    })
    .map(({ timer }) => ({ node: timer.owner.node, name: timer.name }));
  const put = declared.filter(({ node, definition }) => {
    const timer = there.get(keyOf(node, definition.name));
    return timer === undefined || !timer.isDeclared || !isSameTimer(timer, definition);
  });
  return { put, remove };
}

function keyOf(node: string, name: string): string {
  return `${node}/${name}`;
}
