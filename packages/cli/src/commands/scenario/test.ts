import { existsSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { counted, visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import type { CaseResult, ScenarioProblem } from "@adaos/skills";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface TestOptions extends RegistryOptions {
  readonly verbose?: boolean;
}

export function scenarioTestCommand(terminal: Terminal): Command {
  return new Command("test")
    .description("run the cases beside scenarios on a virtual clock; exit code 1 when a case fails")
    .argument("[paths...]", "scenario.yaml files, their folders, or a folder of them", ["scenarios"])
    .addOption(registryOption())
    .option("--verbose", "what happened in each case, also where it holds")
    .addOption(jsonOption())
    .addHelpText("after", "\nThe cases of scenario.yaml are in scenario.test.yaml beside it.")
    .addHelpText("after", "\nExample:\n  adaos scenario test scenarios/morning")
    .action(async (paths: string[], { registry: dir, verbose, json }: TestOptions) => {
      const skills = await import("@adaos/skills");
      const registry = await loadRegistry(dir);
      const results: CaseResult[] = [];
      const untested: string[] = [];
      for (const file of skills.findScenarios(paths)) {
        const casesFile = skills.casesFileOf(file);
        if (!existsSync(casesFile)) {
          untested.push(file);
          continue;
        }
        const source = skills.readScenario(file);
        assertFree(skills.checkScenarios([source], { registry }));
        const { name, text } = source;
        const scenario = skills.compileScenario(name, text);
        const cases = skills.readCases(casesFile);
        results.push(...cases.cases.map((_, i) => skills.runScenarioCase(scenario, cases, i, registry)));
      }
      print(results, untested, { verbose: verbose === true, json: json === true }, terminal);
      if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1;
    });
}

/** Cases of a scenario with errors would tell nothing. */
function assertFree(problems: readonly ScenarioProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const lines = errors.slice(0, MAX_ERRORS).map(({ file, line, column, message }) => {
    return `${file}:${line}:${column} ${message}`;
  });
  throw new MeshError("invalid-config", lines.join("\n"));
}

const MAX_ERRORS = 10;

function print(
  results: readonly CaseResult[],
  untested: readonly string[],
  { verbose, json }: { readonly verbose: boolean; readonly json: boolean },
  terminal: Terminal,
): void {
  if (json) return terminal.out(visibleJson({ cases: results, untested }));
  const { red, yellow, green, dim } = terminal.colors;
  const failed = results.filter(({ problems }) => problems.length > 0);
  for (const { name, place, problems, timeline } of results) {
    const isFailed = problems.length > 0;
    if (isFailed) terminal.say(`${red("failed")} ${place} ${name}`);
    else if (verbose) terminal.say(`${green("holds")} ${place} ${name}`);
    for (const problem of problems) terminal.say(`  ${problem}`);
    if (isFailed || verbose) for (const line of timeline) terminal.say(dim(`    ${line}`));
  }
  for (const file of untested) terminal.say(`${yellow("untested")} ${file} has no cases beside it`);
  terminal.out(`${results.length - failed.length} of ${counted(results.length, "case")} hold`);
}
