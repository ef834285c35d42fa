import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { diffPolicies } from "@adaos/policy";
import { readLayout } from "@adaos/provision";
import {
  applyUpdate,
  declaredHere,
  isSameUpdate,
  lackingSignatureKeys,
  type Move,
  movesOf,
  neededSupervisor,
  planUpdate,
  runningPolicy,
  type TimerChange,
  timerChangesOf,
  unreached,
  whileLocked,
} from "@adaos/supervise";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed } from "../../options/change-options.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { printChanges } from "./diff.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

export function policyApplyCommand(terminal: Terminal): Command {
  return new Command("apply")
    .description("bring a mesh file's policy to the mesh that runs, without stopping anything")
    .addOption(configOption())
    .addOption(stateOption())
    .option("--dry-run", "show the changes")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos policy apply --config deploy/mesh.yaml --dry-run")
    .action(async (options: PolicyOptions & ChangeOptions) => {
      const stateDir = resolveStateDir(options.state);
      const loaded = await loadMeantPolicy(options);
      const layout = readLayout(stateDir);
      const supervisor = neededSupervisor(stateDir);
      const [before, after] = [runningPolicy(layout, terminal.say), declaredHere(loaded)];
      const changes = diffPolicies(before, after, loaded.events);
      const shown = await planUpdate(loaded, stateDir);
      const moves = movesOf(shown, before);
      const lacking = lackingSignatureKeys(shown, loaded, stateDir);
      const timers = timerChangesOf(shown, loaded);
      const nodes = shown.changed.length + shown.added.length + shown.removed.length;
      if (options.json !== true) {
        printMoves(moves, terminal);
        printTimers(timers, terminal);
        printChanges(changes, false, terminal);
      }
      for (const line of unreached(loaded)) terminal.say(line);
      for (const { node, subnet, keyId } of lacking) {
        terminal.say(
          `${node} has no key ${keyId} of ${subnet}: wait until it has followed (adaos join follow there) before anything is signed by it`,
        );
      }
      const found = { count: nodes };
      if (options.json === true && options.dryRun === true) {
        terminal.out(visibleJson({ change: nodes, changes: changes.length, moves, timers, dry_run: true }));
        return;
      }
      // With nothing to change it is still asked whether everything is in force.
      if (
        (nodes > 0 || options.dryRun === true) &&
        !(await confirmed("change", "nodes", found, options, terminal))
      )
        return;
      const apply = (): Promise<number> =>
        whileLocked(stateDir, async () => {
          const update = await planUpdate(loaded, stateDir, shown);
          if (!isSameUpdate(shown, update)) {
            throw new MeshError(
              "unavailable",
              "the mesh was changed meanwhile; nothing was written, run it again",
            );
          }
          return applyUpdate(update, stateDir, supervisor);
        });
      const what = `${loaded.meshFile.file}: ${counted(changes.length, "change")} of the policy`;
      const inForceMs =
        nodes === 0
          ? await apply()
          : await audited(options, terminal, { action: "policy.apply", what }, async (tally) => {
              const ms = await apply();
              tally(nodes);
              return ms;
            });
      if (options.json === true)
        terminal.out(visibleJson({ change: nodes, changes, moves, timers, in_force_ms: inForceMs }));
      else terminal.out(`${counted(nodes, "node")} changed, in force everywhere after ${inForceMs} ms`);
    });
}

/** One line for each addition or removal, with the fate of its data. */
function printMoves(moves: readonly Move[], { out, colors }: Terminal): void {
  for (const { move, what, name, becomes } of moves) {
    const text = `${what} ${name}${becomes === undefined ? "" : `: ${becomes}`}`;
    out(move === "comes" ? colors.green(`+ ${text}`) : colors.red(`- ${text}`));
  }
}

/** One line for each timer of the mesh file that begins, begins anew, or ends. */
function printTimers(timers: readonly TimerChange[], { out, colors }: Terminal): void {
  for (const { change, timer } of timers) {
    if (change === "goes") out(colors.red(`- timer ${timer}`));
    else out(colors.green(change === "comes" ? `+ timer ${timer}` : `~ timer ${timer}: it begins anew`));
  }
}
