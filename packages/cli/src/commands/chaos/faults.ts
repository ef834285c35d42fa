import { FAULTS } from "@adaos/chaos";
import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

export function chaosFaultsCommand(terminal: Terminal): Command {
  return new Command("faults")
    .description("the faults there are, and which of them happen unless others are named")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos chaos faults")
    .action(({ json }: { readonly json?: boolean }) => {
      const rows = FAULTS.map(({ name, summary, losesEvents }) => ({
        fault: name,
        by_default: !losesEvents,
        summary,
      }));
      if (json === true) for (const row of rows) terminal.out(visibleJson(row));
      else {
        const lines = rows.map((row) => [
          row.fault,
          row.by_default ? "by default" : "when named",
          row.summary,
        ]);
        for (const line of table(lines)) terminal.out(line);
      }
    });
}
