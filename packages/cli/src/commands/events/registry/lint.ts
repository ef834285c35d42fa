import { counted, visibleJson } from "@adaos/core/wire";
import type { Finding } from "@adaos/registry-tools";
import { Command } from "commander";
import { jsonOption } from "../../../options/options.ts";
import { type RegistryOptions, registryOption } from "../../../options/registry-options.ts";
import { EXIT_CODES } from "../../../terminal/exit-codes.ts";
import type { Terminal } from "../../../terminal/terminal.ts";

interface LintOptions extends RegistryOptions {
  readonly strict?: boolean;
  readonly uses?: readonly string[];
}

export function registryLintCommand(terminal: Terminal): Command {
  return new Command("lint")
    .description("report every fault of a registry: index, schemas, examples, generated files")
    .addOption(registryOption())
    .option("--uses <file...>", "skills, scenarios and others whose name@version must be events in use")
    .option("--strict", "warnings are errors")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  adaos events registry lint --strict --uses skills/*.yaml")
    .action(async ({ registry, uses = [], strict, json }: LintOptions) => {
      const { lintRegistry } = await import("@adaos/registry-tools");
      const report = await lintRegistry(registry, { uses });
      if (json === true) terminal.out(visibleJson(report));
      else {
        for (const finding of report.findings) terminal.say(lineOf(finding, terminal));
        const more = report.errors + report.warnings - report.findings.length;
        if (more > 0) terminal.say(`and ${more} more`);
        terminal.out(
          [
            counted(report.records, "event"),
            counted(report.errors, "error"),
            counted(report.warnings, "warning"),
          ].join(", "),
        );
      }
      const isBad = report.errors > 0 || (strict === true && report.warnings > 0);
      if (isBad) process.exitCode = EXIT_CODES["invalid-config"];
    });
}

function lineOf(finding: Finding, { colors }: Terminal): string {
  const { severity, file, line, column, rule, message, suggestion } = finding;
  const color = severity === "error" ? colors.red : colors.yellow;
  const meant = suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
  return `${file}:${line}:${column} ${color(severity)} ${message}${meant} ${colors.dim(`(${rule})`)}`;
}
