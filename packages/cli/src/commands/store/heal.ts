import { visibleJson } from "@adaos/core/wire";
import { applyHeal, type HealStep, planHeal } from "@adaos/operations";
import { Command } from "commander";
import { audited } from "../../options/audited.ts";
import { type ChangeOptions, confirmed, tellCounts } from "../../options/change-options.ts";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { type StoreOptions, withStores } from "./store-options.ts";

type HealOptions = StoreOptions & ChangeOptions;

export function storeHealCommand(terminal: Terminal): Command {
  return new Command("heal")
    .description("recreate durables that a damaged stream has lost, or that would skip its events")
    .option("--at <subnet>", "one subnet, or the root (default: all)")
    .option("--dry-run", "only show the plan")
    .option("--yes", "do not ask")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nDaemons do so by themselves within seconds; this is for a mesh whose daemons are away.",
    )
    .addHelpText("after", "\nExample:\n  adaos store heal --dry-run")
    .action(async (options: HealOptions) => {
      const plans = new Map<string, readonly HealStep[]>();
      await withStores(options, terminal, async (server, stateDir) => {
        plans.set(server.of, await planHeal(server, stateDir));
      });
      const steps = [...plans].flatMap(([of, planned]) => planned.map((step) => ({ of, ...step })));
      for (const { of, stream, durable } of steps) {
        const { consumer, position, intactTo } = durable;
        const goesOnAt = Math.min(position.floor, intactTo) + 1;
        if (options.json === true)
          terminal.out(visibleJson({ of, stream, durable: consumer, goes_on_at: goesOnAt }));
        else terminal.out(`${of}: ${consumer} of ${stream} goes on at ${goesOnAt}`);
      }
      if (!(await confirmed("heal", "durable", { count: steps.length }, options, terminal))) return;
      const what = steps.map(({ stream, durable }) => `${stream} ${durable.consumer}`).join(", ");
      const act = {
        action: "store.heal",
        what,
        subnets: options.at === undefined ? undefined : [options.at],
      };
      await audited(options, terminal, act, async (tally) => {
        let healed = 0;
        for (const [at, planned] of plans) {
          if (planned.length === 0) continue;
          await withStores({ ...options, at }, terminal, async (server) => {
            for (const step of planned) {
              await applyHeal(server, step);
              tally(++healed);
            }
          });
        }
      });
      tellCounts({ healed: steps.length }, options, terminal);
    });
}
