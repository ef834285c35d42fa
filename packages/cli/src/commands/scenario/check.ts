import { MeshError } from "@adaos/core";
import { counted, parseNodeAddress, visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import type { ScenarioContext, ScenarioProblem } from "@adaos/skills";
import { Command } from "commander";
import { jsonOption, stateOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import { configOption, loadMeantPolicy, type PolicyOptions } from "../policy/policy-options.ts";

interface CheckOptions extends RegistryOptions, PolicyOptions {
  readonly as?: string;
  readonly strict?: boolean;
}

/** Lines that are printed; `--json` has all. */
const MAX_SHOWN = 200;

export function scenarioCheckCommand(terminal: Terminal): Command {
  return new Command("check")
    .description(
      "check scenarios before they run: form, expressions, events, fields, policy, cycles; exits with 78 on an error",
    )
    .argument("[paths...]", "scenario.yaml files, their folders, or a folder of them", ["scenarios"])
    .option("--as <subnet/member>", "the member that runs them: its policy and registry are asked")
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(registryOption())
    .option("--strict", "warnings are errors")
    .addOption(jsonOption())
    .addHelpText("after", "\nWithout --as, policy is not asked.")
    .addHelpText("after", "\nExample:\n  adaos scenario check scenarios/morning --as alpha/kitchen")
    .action(async (paths: string[], options: CheckOptions) => {
      const { checkScenarios, findScenarios, readScenario } = await import("@adaos/skills");
      const files = findScenarios(paths).map(readScenario);
      const problems = checkScenarios(files, await contextOf(options));
      const errors = problems.filter(({ severity }) => severity === "error").length;
      const warnings = problems.length - errors;
      if (options.json === true)
        terminal.out(visibleJson({ scenarios: files.length, errors, warnings, problems }));
      else {
        for (const problem of problems.slice(0, MAX_SHOWN)) terminal.say(lineOf(problem, terminal));
        if (problems.length > MAX_SHOWN) terminal.say(`and ${problems.length - MAX_SHOWN} more`);
        const counts = [
          counted(files.length, "scenario"),
          counted(errors, "error"),
          counted(warnings, "warning"),
        ];
        terminal.out(counts.join(", "));
      }
      if (errors > 0 || (options.strict === true && warnings > 0))
        process.exitCode = EXIT_CODES["invalid-config"];
    });
}

async function contextOf(options: CheckOptions): Promise<ScenarioContext> {
  if (options.as === undefined) return { registry: await loadRegistry(options.registry) };
  const as = parseNodeAddress(options.as);
  const { meshFile, policy, registry } = await loadMeantPolicy(options);
  if (meshFile.mesh.subnets.get(as.subnet)?.members.has(as.node) !== true)
    throw new MeshError("usage", `the mesh has no member ${options.as}`);
  return { registry, rights: { policy, as } };
}

function lineOf({ severity, file, line, column, message }: ScenarioProblem, { colors }: Terminal): string {
  const color = severity === "error" ? colors.red : colors.yellow;
  return `${file}:${line}:${column} ${color(severity)} ${message}`;
}
