import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { askRegions, type RegionStatus } from "@adaos/supervise";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

export function regionListCommand(terminal: Terminal): Command {
  return new Command("list")
    .description("the regions with which this root exchanges events: whether they answer, and what waits")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample, on the root's machine:\n  adaos region list")
    .action(async ({ state, json }: StateOptions) => {
      const regions = await askRegions(resolveStateDir(state));
      if (json === true) {
        for (const region of regions) terminal.out(visibleJson(region));
        return;
      }
      const head = ["region", "from there", "carried", "refused", "waits to go there"];
      for (const line of table(regions.length === 0 ? [] : [head, ...regions.map(cells)])) terminal.out(line);
      terminal.say(counted(regions.length, "region"));
    });
}

function cells({ region, from, to }: RegionStatus): string[] {
  const counts = from === null ? ["", ""] : [String(from.carried), String(from.refused)];
  const state = from === null ? "nothing is taken" : from.ready ? "flows" : from.note;
  const waits = to === null ? "nothing goes" : to.waiting === null ? "not known" : String(to.waiting);
  return [region, state, ...counts, waits];
}
