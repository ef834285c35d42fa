import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { stopProcesses, unitsRunning } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

export function downCommand(terminal: Terminal): Command {
  return new Command("down")
    .description("stop the mesh of a state folder; stored events stay")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos down --state .adaos")
    .action(async (options: StateOptions) => {
      const stateDir = resolveStateDir(options.state);
      const units = await unitsRunning(stateDir);
      if (units !== undefined)
        throw new MeshError(
          "unavailable",
          `systemd runs the mesh of ${stateDir}; stop it with ${units.stopCommand}`,
        );
      const stopped = await stopProcesses(stateDir);
      if (options.json === true) terminal.out(visibleJson({ stopped }));
      else
        terminal.say(
          stopped === 0 ? "nothing was running" : `stopped ${counted(stopped, "process", "processes")}`,
        );
    });
}
