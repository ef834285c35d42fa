import { counted, parseNodeAddress, visibleJson } from "@adaos/core/wire";
import { type ListedScenario, listedScenarios } from "@adaos/operations";
import { Command } from "commander";
import type { StateOptions } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";
import { withHubs, withSubnet } from "../events/failures/failure-options.ts";
import { secondText } from "./runs/print-run.ts";

interface ListOptions extends StateOptions {
  readonly at?: string;
  readonly node?: string;
}

export function scenarioListCommand(terminal: Terminal): Command {
  return withSubnet(new Command("list"))
    .description("scenarios that members run: state, runs under way, next time, last outcome")
    .option("--node <subnet/node>", "of one member (default: all)")
    .addHelpText(
      "after",
      "\nA scenario stays in the list after it has left the mesh file: its records stay too.",
    )
    .addHelpText("after", "\nExample:\n  adaos scenario list --at alpha")
    .action(async (options: ListOptions) => {
      const found: ListedScenario[] = [];
      const only = options.node === undefined ? undefined : parseNodeAddress(options.node);
      const where = only === undefined ? options : { ...options, at: only.subnet };
      await withHubs(where, terminal, async (hub) => {
        for await (const one of listedScenarios(hub, { node: only?.node })) found.push(one);
      });
      found.sort((a, b) => a.scenario.localeCompare(b.scenario, "en"));
      print(found, options.json === true, terminal);
    });
}

function print(found: readonly ListedScenario[], isJson: boolean, terminal: Terminal): void {
  if (isJson) {
    for (const one of found) terminal.out(visibleJson(one));
    return;
  }
  const head = ["scenario", "state", "runs", "waiting", "next", "last"];
  for (const line of table(found.length === 0 ? [] : [head, ...found.map(cells)])) terminal.out(line);
  const asked = found.reduce((sum, one) => sum + one.asked, 0);
  const kept = asked === 0 ? "" : `, ${counted(asked, "request")} kept until a member's daemon takes it`;
  terminal.say(`${counted(found.length, "scenario")}${kept}`);
}

function cells({ scenario, state, active, waiting, next_at, last }: ListedScenario): string[] {
  return [
    scenario,
    state,
    String(active),
    String(waiting),
    next_at === undefined ? "-" : secondText(next_at),
    last === undefined ? "-" : `${last.outcome} ${secondText(last.ended_at)}`,
  ];
}
