import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { type Layout, readLayout } from "@adaos/provision";
import type { FolderJudgement, GateChange, GateFault, JudgedFolder } from "@adaos/registry-tools";
import {
  approveRegistry,
  judgeRegistry,
  neededSupervisor,
  untilRegistryInForce,
  whileLocked,
} from "@adaos/supervise";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed } from "../../options/change-options.ts";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";

type ApplyOptions = StateOptions & ChangeOptions;

export function registryApplyCommand(terminal: Terminal): Command {
  return new Command("apply")
    .description(
      "put the registry's folder in force in the running mesh; exits with 78 when it would break publishers or readers",
    )
    .addOption(stateOption())
    .option("--dry-run", "show the changes")
    .option("--yes", "do not ask")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos registry apply --dry-run")
    .action(async (options: ApplyOptions) => {
      const stateDir = resolveStateDir(options.state);
      const layout = readLayout(stateDir);
      assertRootIsHere(layout);
      neededSupervisor(stateDir);
      const shown = readable(await judgeRegistry(layout, stateDir), layout);
      const { candidate, changes, faults } = shown;
      if (options.json !== true) for (const line of linesOf(shown, terminal)) terminal.out(line);
      if (faults.length > 0) return refuse(shown, layout, options, terminal);
      // With nothing to change it is still asked whether it is in force everywhere.
      const isNew = shown.isNew || options.dryRun === true;
      const found = { count: changes.length };
      if (isNew && options.dryRun !== true && changes.length === 0) {
        terminal.say("the meaning of events is unchanged");
      } else if (isNew && !(await confirmed("change", "event", found, options, terminal))) return;
      const hash = candidate.registry.hash;
      const apply = (): Promise<number> =>
        whileLocked(stateDir, async () => {
          approveRegistry(candidate.digest, stateDir);
          return await untilRegistryInForce(candidate, layout, stateDir);
        });
      const act = { action: "registry.apply", what: `${layout.registryDir} (${hash})` };
      const inForceMs = !shown.isNew
        ? await apply()
        : await audited(options, terminal, act, async (tally) => {
            const ms = await apply();
            tally(changes.length);
            return ms;
          });
      if (options.json === true)
        terminal.out(visibleJson({ change: changes.length, changes, hash, in_force_ms: inForceMs }));
      else
        terminal.out(
          `${counted(changes.length, "event")} changed, in force everywhere after ${inForceMs} ms`,
        );
    });
}

function assertRootIsHere({ joinedTo, registryDir }: Layout): void {
  if (joinedTo === undefined) return;
  throw new MeshError(
    "usage",
    `the registry of the mesh is the root's (${joinedTo}); run this there. ${registryDir} is this machine's own`,
  );
}

type ReadFolder = JudgedFolder & { readonly isNew: boolean };

/** Throws `invalid-config` for a folder that cannot be read. */
function readable({ inForce, found }: FolderJudgement, { registryDir }: Layout): ReadFolder {
  if (found.kind === "broken") throw new MeshError("invalid-config", `${registryDir}: ${found.reason}`);
  return { ...found, isNew: found.candidate.digest !== inForce?.digest };
}

function refuse(
  { changes, faults }: ReadFolder,
  { registryDir }: Layout,
  options: ApplyOptions,
  terminal: Terminal,
): void {
  process.exitCode = EXIT_CODES["invalid-config"];
  if (options.json === true) return terminal.out(visibleJson({ refused: faults.length, changes, faults }));
  terminal.say(
    `${registryDir} is not put in force: ${counted(faults.length, "fault")}; the mesh keeps its registry`,
  );
}

function linesOf({ changes, faults }: ReadFolder, { colors }: Terminal): string[] {
  const { green, red, yellow } = colors;
  const paint = ({ change }: GateChange): ((text: string) => string) => {
    if (change === "breaking") return red;
    return change === "new" || change === "changed" ? green : yellow;
  };
  const about = (one: GateChange): string[] => [
    paint(one)(`${one.event} ${one.change}`),
    ...one.notes.map((note) => `  ${note}`),
  ];
  const fault = ({ rule, at, told }: GateFault): string => red(`${at} ${rule}: ${told}`);
  return [...changes.flatMap(about), ...faults.map(fault)];
}
