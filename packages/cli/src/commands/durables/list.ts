import { counted, parseNodeAddress, visibleJson } from "@adaos/core/wire";
import { type DurableRow, memberDurables } from "@adaos/operations";
import { Command } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withHubs, withSubnet } from "../events/failures/failure-options.ts";

interface ListOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
}

export function durablesListCommand(terminal: Terminal): Command {
  return withSubnet(new Command("list"))
    .option("--node <subnet/node>", "of one member (default: all)")
    .description("the durables of members: pattern, pending events, last activity")
    .addHelpText("after", "\nExample:\n  adaos durables list --at beta")
    .action(async (options: ListOptions) => {
      if (options.node !== undefined) parseNodeAddress(options.node);
      const rows: DurableRow[] = [];
      await withHubs(options, terminal, async (hub) => {
        for await (const row of memberDurables(hub)) {
          if (options.node === undefined || options.node === `${row.subnet}/${row.node}`) rows.push(row);
        }
      });
      if (options.json === true) {
        for (const row of rows) terminal.out(visibleJson(row));
        return;
      }
      const head = ["durable", "takes", "pending", "unsettled", "last activity", ""];
      for (const line of table(rows.length === 0 ? [] : [head, ...rows.map(cells)])) terminal.out(line);
      terminal.say(counted(rows.length, "durable"));
    });
}

function cells(row: DurableRow): string[] {
  const { subnet, node, durable, pattern, from, pending, unsettled, last_activity } = row;
  const origin = from.subnet === undefined ? "" : ` from ${from.subnet}/${from.node ?? "*"}`;
  const use = row.paused ? "not allowed any more" : row.waiting > 0 ? "in use" : "";
  return [
    `${subnet}/${node}/${durable}`,
    `${pattern}${origin}`,
    String(pending),
    String(unsettled),
    last_activity?.slice(0, 19).concat("Z") ?? "never",
    use,
  ];
}
