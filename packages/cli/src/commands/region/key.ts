import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { originTokenProblem, visibleJson } from "@adaos/core/wire";
import { regionKey } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

export function regionKeyCommand(terminal: Terminal): Command {
  return new Command("key")
    .description(
      "print the public key by which this root pulls from another region, for that region's mesh file",
    )
    .argument("<region>", "the name of that region's mesh; each region gets another key")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nThe key is made when it is asked for first; the secret half stays in the state folder.",
    )
    .addHelpText("after", "\nExample:\n  adaos region key west")
    .action((region: string, { state, json }: StateOptions) => {
      const problem = originTokenProblem(region);
      if (problem !== undefined) throw new MeshError("usage", `region "${region.slice(0, 80)}" ${problem}`);
      const key = regionKey(resolveStateDir(state), region);
      terminal.out(json === true ? visibleJson({ region, key }) : key);
    });
}
