import { resolve } from "node:path";
import { MeshError } from "@adaos/core";
import { counted, parseNodeAddress, visibleJson } from "@adaos/core/wire";
import type { CheckedSkill, SkillProblem, SkillRights } from "@adaos/skills";
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

export function skillCheckCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("check skills before they run: form, module, events, policy; exits with 78 on an error")
    .argument("[paths...]", "folders of skills, or a folder of them", ["skills"])
    .option("--as <subnet/member>", "the member that runs them: its policy is asked")
    .addOption(configOption())
    .addOption(stateOption())
    .addOption(registryOption())
    .option("--strict", "warnings are errors")
    .addOption(jsonOption())
    .addHelpText("after", "\nPrints each skill's digest, which the command repo.skill.install names.")
    .addHelpText("after", "\nExample:\n  adaos skill check skills/greeter --as alpha/kitchen")
    .action(async (paths: string[], options: CheckOptions) => {
      const { checkSkill, findSkills, nodeRuntime } = await import("@adaos/skills");
      const rights = await rightsOf(options);
      const folders = findSkills(paths);
      const skills = folders.map((folder) => checkSkill(folder, nodeRuntime(), rights));
      const problems = [
        ...skills.flatMap((skill) => skill.problems),
        ...(await lint(skills, options.registry)),
      ];
      print(skills, problems, options, terminal);
      const errors = problems.filter(({ severity }) => severity === "error");
      if (errors.length > 0 || (options.strict === true && problems.length > 0))
        process.exitCode = EXIT_CODES["invalid-config"];
    });
}

/** What lint finds in the skills' files: events that the registry has not, schemas that differ. */
async function lint(skills: readonly CheckedSkill[], registry: string): Promise<SkillProblem[]> {
  const { lintRegistry } = await import("@adaos/registry-tools");
  const read = skills.filter(({ definition }) => definition !== undefined);
  const files = new Set(read.map(({ file }) => resolve(file)));
  const { findings } = await lintRegistry(registry, { uses: [...files] });
  return findings
    .filter(({ file }) => files.has(resolve(file)))
    .map(({ severity, file, line, column, message, suggestion }) => ({
      severity,
      file,
      line,
      column,
      message: suggestion === undefined ? message : `${message}; did you mean ${suggestion}?`,
    }));
}

async function rightsOf(options: CheckOptions): Promise<SkillRights | undefined> {
  if (options.as === undefined) return undefined;
  const as = parseNodeAddress(options.as);
  const { meshFile, policy } = await loadMeantPolicy(options);
  if (meshFile.mesh.subnets.get(as.subnet)?.members.has(as.node) !== true)
    throw new MeshError("usage", `the mesh has no member ${options.as}`);
  return { policy, as };
}

function print(
  skills: readonly CheckedSkill[],
  problems: readonly SkillProblem[],
  { json }: CheckOptions,
  terminal: Terminal,
): void {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const digests = skills.map(({ definition, folder, digest }) => {
    return {
      name: definition?.name ?? null,
      version: definition?.version ?? null,
      folder,
      digest: digest ?? null,
    };
  });
  if (json === true) return terminal.out(visibleJson({ skills: digests, errors, warnings, problems }));
  const { red, yellow, dim } = terminal.colors;
  for (const { severity, file, line, column, message } of problems) {
    const color = severity === "error" ? red : yellow;
    terminal.say(`${file}:${line}:${column} ${color(severity)} ${message}`);
  }
  for (const { name, version, folder, digest } of digests)
    if (digest !== null) terminal.out(`${name ?? folder} ${version ?? "without version"} ${dim(digest)}`);
  terminal.out(
    [counted(skills.length, "skill"), counted(errors, "error"), counted(warnings, "warning")].join(", "),
  );
}
