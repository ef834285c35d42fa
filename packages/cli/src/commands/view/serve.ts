import { resolveStateDir } from "@adaos/config";
import { Command } from "commander";
import { type StateOptions, stateOption } from "../../options/options.ts";
import { PAGE_FOLDER } from "../../program-file.ts";

export function viewServeCommand(): Command {
  return new Command("serve")
    .description("run the viewer of a state folder, as systemd or a container would")
    .addOption(stateOption())
    .addHelpText("after", "\nIt listens as viewer: in the mesh file says, else at http://127.0.0.1:7480.")
    .addHelpText("after", "\nExample:\n  adaos view serve --state /var/lib/adaos")
    .action(async (options: StateOptions) => {
      const { runViewer } = await import("@adaos/viewer");
      process.exitCode = await runViewer({ stateDir: resolveStateDir(options.state), pageDir: PAGE_FOLDER });
    });
}
