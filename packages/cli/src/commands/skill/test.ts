import { counted, visibleJson } from "@adaos/core/wire";
import { loadRegistry } from "@adaos/registry";
import type { SkillLogSink, TrialReport } from "@adaos/skills";
import { Command } from "commander";
import { jsonOption } from "../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../options/registry-options.ts";
import type { Terminal } from "../../terminal/terminal.ts";

interface TestOptions extends RegistryOptions {
  readonly verbose?: boolean;
}

const silent = (): void => undefined;
const SILENT = { debug: silent, info: silent, warn: silent, error: silent };

export function skillTestCommand(terminal: Terminal): Command {
  return new Command("test")
    .description(
      "give the registry's examples to skills, and print what they publish; exit code 1 when one fails",
    )
    .argument("[paths...]", "folders of skills, or a folder of them", ["skills"])
    .addOption(registryOption())
    .option("--verbose", "what each skill prints and logs, too")
    .addOption(jsonOption())
    .addHelpText("after", "\nNeeds no mesh. A command that the skill sends gets the example of its reply.")
    .addHelpText("after", "\nExample:\n  adaos skill test skills/greeter")
    .action(async (paths: string[], { registry: dir, verbose, json }: TestOptions) => {
      const { findSkills, nodeRuntime, runTrial } = await import("@adaos/skills");
      const registry = await loadRegistry(dir);
      const reports: TrialReport[] = [];
      const openLog = (skill: string): SkillLogSink => ({
        dropped: 0,
        write: (level, _, message) => {
          if (verbose === true) terminal.say(terminal.colors.dim(`${skill} ${level} ${message}`));
        },
        close: silent,
      });
      for (const folder of findSkills(paths))
        reports.push(await runTrial(folder, { registry, runtime: nodeRuntime(), log: SILENT, openLog }));
      print(reports, json === true, terminal);
      const isBad = reports.some(({ cases, problems }) => problems.length > 0 || cases.some(({ ok }) => !ok));
      if (isBad) process.exitCode = 1;
    });
}

function print(reports: readonly TrialReport[], json: boolean, terminal: Terminal): void {
  if (json) return terminal.out(visibleJson({ skills: reports }));
  const { red, green } = terminal.colors;
  for (const { skill, cases, problems } of reports) {
    for (const problem of problems) terminal.say(`${red("failed")} ${skill}: ${problem}`);
    for (const { event, example, ok, error, published, ms } of cases) {
      terminal.say(`${ok ? green("handled") : red("failed")} ${skill} ${event} ${example} in ${ms} ms`);
      if (error !== undefined) terminal.say(`  ${error}`);
      for (const one of published) {
        const refused = one.error === undefined ? "" : ` refused: ${one.error}`;
        terminal.out(`  ${skill} ${one.event} ${JSON.stringify(one.data)}${refused}`);
      }
    }
  }
  const cases = reports.flatMap((report) => report.cases);
  const handled = cases.filter(({ ok }) => ok).length;
  terminal.say(`${handled} of ${counted(cases.length, "example")} handled`);
}
