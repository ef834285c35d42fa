import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import type { InstallPlan } from "@adaos/supervise";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import { PROGRAM_FILE } from "../../program-file.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { type SystemdOptions, unitDirOption, userOption } from "./systemd-options.ts";

interface InstallOptions extends SystemdOptions {
  readonly config?: string;
  readonly supervisor?: boolean;
  readonly now?: boolean;
}

export function installSystemdCommand(terminal: Terminal): Command {
  return new Command("systemd")
    .description("write units of systemd for the servers and daemons of this machine")
    .addOption(userOption())
    .option("--config <file>", "the mesh file, where the state folder has no mesh yet")
    .option("--supervisor", "one unit that runs adaos up, in place of one for each server and daemon")
    .addOption(unitDirOption())
    .option("--now", "start them, too, now and at each boot")
    .option("--dry-run", "print the units, and change nothing")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  sudo adaos install systemd --state /var/lib/adaos --now")
    .action(async (options: InstallOptions) => {
      if (options.now === true && options.unitDir !== undefined)
        throw new MeshError("usage", "--now and --unit-dir exclude each other: systemd reads its own folder");
      const stateDir = resolveStateDir(options.state);
      const { applyInstall, asOwner, planInstall, startUnits, supervisorByHand } = await import(
        "@adaos/supervise"
      );
      const plan = await planInstall(
        {
          scope: options.user === true ? "user" : "system",
          stateDir,
          configFile: options.config,
          supervisor: options.supervisor === true,
          unitDir: options.unitDir,
          adaos: PROGRAM_FILE,
          say: terminal.say,
        },
        options.dryRun !== true,
      );
      if (options.dryRun === true) return printPlan(plan, options, terminal);
      await applyInstall(plan);
      const { write, remove } = plan.changes;
      const changed = write.length + remove.length;
      const act = { action: "systemd.install", what: `${plan.target} in ${plan.unitDir}` };
      if (changed > 0)
        await asOwner(plan.owner, () => audited(options, terminal, act, async (tally) => tally(changed)));
      if (options.now === true) await startUnits(plan, stateDir);
      printDone(plan, options, terminal);
      const byHand = plan.isManaged ? await supervisorByHand(plan, stateDir) : undefined;
      if (byHand !== undefined)
        terminal.say(`adaos up (process ${byHand}) runs it now: stop that first with adaos down`);
    });
}

function printPlan(
  { unitDir, units, changes }: InstallPlan,
  { json }: InstallOptions,
  { out, say }: Terminal,
): void {
  const written = changes.write.map(({ name }) => name);
  if (json === true) {
    const texts = Object.fromEntries(units.map(({ name, text }) => [name, text]));
    out(
      visibleJson({ unit_dir: unitDir, units: texts, write: written, remove: changes.remove, dry_run: true }),
    );
    return;
  }
  for (const { name, text } of units) out(`# ${unitDir}/${name}\n${text}`);
  say(`would write ${counted(written.length, "unit")}, and remove ${changes.remove.length}`);
}

function printDone(plan: InstallPlan, { json, now, user }: InstallOptions, { out, say }: Terminal): void {
  const { unitDir, target, changes, isManaged } = plan;
  const written = changes.write.map(({ name }) => name);
  const systemctl = user === true ? "systemctl --user" : "sudo systemctl";
  if (json === true) {
    const { unchanged, remove: removed } = changes;
    out(visibleJson({ unit_dir: unitDir, target, written, unchanged, removed, started: now === true }));
    return;
  }
  for (const name of written) out(`${unitDir}/${name}`);
  for (const name of changes.remove) say(`${name} was stopped and removed`);
  if (written.length === 0) say(`all ${counted(plan.units.length, "unit")} were there already`);
  if (!isManaged) return;
  if (now !== true) say(`start the mesh now and at each boot: ${systemctl} enable --now ${target}`);
  say(`how it is: ${systemctl.replace("sudo ", "")} list-dependencies ${target}`);
  if (user === true) say("so that it runs while you are not logged in: loginctl enable-linger");
}
