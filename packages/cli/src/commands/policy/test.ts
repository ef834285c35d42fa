import { counted, visibleJson } from "@adaos/core/wire";
import { readPolicyCases, runCases, untestedRules, usualCasesFile } from "@adaos/policy";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "./policy-options.ts";

interface TestOptions extends PolicyOptions {
  readonly cases?: string;
  readonly strict?: boolean;
}

export function policyTestCommand(terminal: Terminal): Command {
  return new Command("test")
    .description(
      "run the cases beside a policy, and list rules that no case needs; exit code 1 when a case fails",
    )
    .addOption(configOption())
    .addOption(stateOption())
    .option("--cases <file>", "cases (default: policy-tests.yaml beside the mesh file)")
    .option("--strict", "exit with 1 as well when a rule could be taken away unnoticed")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos policy test --config deploy/mesh.yaml")
    .action(async (options: TestOptions) => {
      const loaded = await loadMeantPolicy(options);
      const cases = readPolicyCases(options.cases ?? usualCasesFile(loaded.meshFile.file));
      const results = runCases(loaded, cases);
      const untested = untestedRules(loaded, cases);
      const failed = results.filter(({ ok }) => !ok);
      if (options.json === true) {
        const failures = failed.map(({ place, title, problem }) => ({ place, case: title, problem }));
        terminal.out(visibleJson({ cases: results.length, failed: failures, untested }));
      } else {
        const { red, yellow } = terminal.colors;
        for (const { place, title, problem } of failed)
          terminal.say(`${red("failed")} ${place} ${title}: ${problem}`);
        for (const id of untested) {
          const place = loaded.meshFile.placeOfRule(id) ?? "";
          terminal.say(`${yellow("untested")} ${place} ${id}: no case would miss it`);
        }
        terminal.out(
          `${results.length - failed.length} of ${results.length} cases hold, ${counted(untested.length, "rule")} untested`,
        );
      }
      if (failed.length > 0 || (options.strict === true && untested.length > 0)) process.exitCode = 1;
    });
}
