import { declaredTimers, readNodeFile } from "@adaos/config";
import { isSameTimer, type TimerDefinition } from "@adaos/core/wire";
import type { LoadedPolicy } from "@adaos/policy";
import type { Layout } from "@adaos/provision";

/** A timer of the mesh file that begins, begins anew, or ends. */
export interface TimerChange {
  readonly change: "comes" | "changes" | "goes";
  /** `alpha/kitchen/morning` */
  readonly timer: string;
}

/** What becomes of the timers that hubs of this machine keep for the mesh file: of those not named, nothing. */
export function timerChangesOf(
  { before, plan }: { readonly before: Layout; readonly plan: { readonly layout: Layout } },
  { meshFile, registry }: Pick<LoadedPolicy, "meshFile" | "registry">,
): TimerChange[] {
  const was = new Map<string, TimerDefinition>();
  const hubs = new Set(plan.layout.nodes.filter(({ role }) => role === "hub").map(({ id }) => id));
  for (const { id, role, nodeFile } of before.nodes) {
    if (role !== "hub") continue;
    try {
      const { config } = readNodeFile(nodeFile, "hub");
      for (const [node, { timers }] of Object.entries(config.members))
        for (const timer of timers) was.set(`${config.subnet}/${node}/${timer.name}`, timer);
    } catch {
      // `runningPolicy` has said that it cannot be read: what changes there is not known.
      hubs.delete(id);
    }
  }
  const is = new Map<string, TimerDefinition>();
  for (const [member, timers] of declaredTimers(meshFile, registry))
    if (hubs.has(`${member.split("/")[0]}/hub`))
      for (const timer of timers) is.set(`${member}/${timer.name}`, timer);
  return diffTimers(was, is);
}

/** Pure. */
export function diffTimers(
  was: ReadonlyMap<string, TimerDefinition>,
  is: ReadonlyMap<string, TimerDefinition>,
): TimerChange[] {
  const changes: TimerChange[] = [];
  for (const timer of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    const [old, now] = [was.get(timer), is.get(timer)];
    if (old === undefined) changes.push({ change: "comes", timer });
    else if (now === undefined) changes.push({ change: "goes", timer });
    else if (!isSameTimer(old, now)) changes.push({ change: "changes", timer });
  }
  return changes;
}
