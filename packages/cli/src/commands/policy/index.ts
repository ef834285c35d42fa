import { Command } from "commander";
import type { Terminal } from "../../terminal/terminal.ts";
import { policyApplyCommand } from "./apply.ts";
import { policyCheckCommand } from "./check.ts";
import { policyCompileCommand } from "./compile.ts";
import { policyDiffCommand } from "./diff.ts";
import { policyExplainCommand } from "./explain.ts";
import { policyTestCommand } from "./test.ts";

export function policyCommand(terminal: Terminal): Command {
  return new Command("policy")
    .description("who may publish, subscribe, export and import what: check it, ask it, test it, change it")
    .addCommand(policyCheckCommand(terminal))
    .addCommand(policyExplainCommand(terminal))
    .addCommand(policyTestCommand(terminal))
    .addCommand(policyDiffCommand(terminal))
    .addCommand(policyCompileCommand(terminal))
    .addCommand(policyApplyCommand(terminal));
}
