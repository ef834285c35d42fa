import { relative, resolve } from "node:path";
import { visibleJson } from "@adaos/core/wire";
import { Command } from "commander";
import { applyInit, type InitPlan, planInit } from "../../init/begin-mesh.ts";
import { jsonOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface InitOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function initCommand(terminal: Terminal): Command {
  return new Command("init")
    .description("begin your own mesh: mesh file, registry with one event, example program")
    .argument("[dir]", "its folder", ".")
    .option("--dry-run", "write nothing, show the plan")
    .addOption(jsonOption())
    .addHelpText("after", "\nAn existing file is never overwritten.")
    .addHelpText("after", "\nExample:\n  adaos init my-mesh && cd my-mesh && adaos up --detach")
    .action((dir: string, { dryRun = false, json }: InitOptions) => {
      const plan = planInit(resolve(dir));
      if (!dryRun) applyInit(plan);
      const created = [...plan.created.keys()];
      if (json === true)
        terminal.out(visibleJson({ dir: plan.dir, created, kept: plan.kept, dry_run: dryRun }));
      else for (const path of created) terminal.out(`${dryRun ? "would create" : "created"} ${path}`);
      for (const path of plan.kept) terminal.say(`${path} exists and stays unchanged`);
      if (plan.kept.includes(".gitignore"))
        terminal.say("add the line .adaos/ to .gitignore: keys lie there");
      if (!dryRun) tellNext(plan, terminal);
    });
}

function tellNext({ dir, kept }: InitPlan, terminal: Terminal): void {
  const path = relative(process.cwd(), dir);
  terminal.say("next:");
  if (path !== "") terminal.say(`  cd ${path}`);
  const tools = "@adaos/client typescript @types/node@20 json-schema-to-typescript";
  terminal.say(kept.includes("package.json") ? `  npm install --save-dev ${tools}` : "  npm install");
  terminal.say("  npx adaos up --detach");
  terminal.say("  npx tsc && node hello.mjs");
  const shared = process.env["ADAOS_STATE"];
  if (shared !== undefined)
    terminal.say(
      `ADAOS_STATE names the state folder ${shared}; unset it, or give this mesh a separate folder`,
    );
}
