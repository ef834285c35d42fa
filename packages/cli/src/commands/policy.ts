import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { policyApplyCommand } from "./policy-apply.ts";
import { policyCheckCommand } from "./policy-check.ts";
import { policyCompileCommand } from "./policy-compile.ts";
import { policyDiffCommand } from "./policy-diff.ts";
import { policyExplainCommand } from "./policy-explain.ts";
import { policyTestCommand } from "./policy-test.ts";

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
