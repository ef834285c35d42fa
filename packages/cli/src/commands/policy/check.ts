import { counted, visibleJson } from "@adaos/core/wire";
import { lintPolicy, writtenRules } from "@adaos/policy";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

interface CheckOptions extends PolicyOptions {
  readonly strict?: boolean;
}

export function policyCheckCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("read a mesh file's policy, and warn of rules that decide nothing or mean no event")
    .addOption(configOption())
    .addOption(stateOption())
    .option("--strict", "exit with 78 when there is a warning")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos policy check --config deploy/mesh.yaml --strict")
    .action(async (options: CheckOptions) => {
      const loaded = await loadMeantPolicy(options);
      const findings = lintPolicy(loaded);
      const rules = writtenRules(loaded.meshFile.mesh).length;
      if (options.json === true) terminal.out(visibleJson({ rules, warnings: findings }));
      else {
        const { yellow } = terminal.colors;
        for (const { place, rule, message } of findings) {
          terminal.say(`${yellow("warning")} ${place} ${rule}: ${message}`);
        }
        terminal.out(`${counted(rules, "rule")}, ${counted(findings.length, "warning")}`);
      }
      if (options.strict === true && findings.length > 0) process.exitCode = EXIT_CODES["invalid-config"];
    });
}
