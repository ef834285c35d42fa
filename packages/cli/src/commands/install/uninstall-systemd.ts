import { existsSync } from "node:fs";
import { resolveStateDir } from "@adaos/config";
import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { confirmed } from "../../options/change-options.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { type SystemdOptions, unitDirOption, userOption } from "./systemd-options.ts";

interface UninstallOptions extends SystemdOptions {
  readonly yes?: boolean;
}

export function uninstallSystemdCommand(terminal: Terminal): Command {
  return new Command("systemd")
    .description("stop and remove the units that adaos install systemd has written; the state folder stays")
    .addOption(userOption())
    .addOption(unitDirOption())
    .option("--dry-run", "only say which units it would remove")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  sudo adaos uninstall systemd --state /var/lib/adaos")
    .action(async (options: UninstallOptions) => {
      const { applyUninstall, asOwner, ownerOf, planUninstall } = await import("@adaos/supervise");
      const scope = options.user === true ? "user" : "system";
      const stateDir = resolveStateDir(options.state);
      const plan = planUninstall(scope, stateDir, options.unitDir);
      if (options.json !== true) for (const name of plan.names) terminal.say(`${plan.unitDir}/${name}`);
      if (!(await confirmed("remove", "unit", { count: plan.names.length }, options, terminal))) return;
      await applyUninstall(plan);
      // The folder may be gone already, and with it the place of the record.
      if (existsSync(stateDir)) {
        const act = { action: "systemd.uninstall", what: `units in ${plan.unitDir}` };
        const count = plan.names.length;
        await asOwner(ownerOf(stateDir), () =>
          audited(options, terminal, act, async (tally) => tally(count)),
        );
      }
      terminal.out(
        options.json === true
          ? visibleJson({ unit_dir: plan.unitDir, removed: plan.names })
          : `removed ${plan.names.length} units`,
      );
    });
}
