import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { CHECK_GROUPS, type Diagnosis, diagnose, type GroupFinding } from "@adaos/doctor";
import { readLayout } from "@adaos/provision";
import { Command, Option } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

interface DoctorOptions extends StateOptions {
  readonly only?: readonly string[];
}

const NOT_HEALTHY = 1;

export function doctorCommand(terminal: Terminal): Command {
  return new Command("doctor")
    .description(
      "the faults of a mesh, with reason and repairing command; exit code 0 when it is healthy, else 1",
    )
    .addOption(new Option("--only <groups...>", "run only these checks").choices(CHECK_GROUPS))
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nIt changes nothing. A mesh with notices alone is healthy.")
    .addHelpText("after", "\nExamples:\n  adaos doctor\n  adaos doctor --only disks certificates --json")
    .action(async ({ state, only, json }: DoctorOptions) => {
      const stateDir = resolveStateDir(state);
      const layout = readLayout(stateDir);
      const groups = only === undefined ? {} : { groups: only };
      const diagnosis = await diagnose({ layout, stateDir, meshFile: layout.configFile, ...groups });
      if (json === true) terminal.out(visibleJson(asJson(diagnosis)));
      else print(diagnosis, terminal);
      if (!diagnosis.isHealthy) process.exitCode = NOT_HEALTHY;
    });
}

function asJson({ mesh, isHealthy, findings, checks, away }: Diagnosis): object {
  return {
    ...{ mesh, healthy: isHealthy, findings },
    checks: checks.map(({ tookMs, ...check }) => ({ ...check, took_ms: tookMs })),
    away: away.map(({ of, reason }) => ({ of, reason })),
  };
}

function print({ mesh, findings, checks, away }: Diagnosis, terminal: Terminal): void {
  for (const finding of findings) for (const line of describe(finding, terminal)) terminal.out(line);
  const unknown = checks.filter(({ outcome }) => outcome === "unknown");
  for (const { group, reason } of unknown) terminal.say(`${group}: unknown: ${reason}`);
  for (const { of, reason } of away) terminal.say(`${of} could not be asked: ${reason}`);
  const faults = findings.filter(({ level }) => level === "fault").length;
  const counts = [counted(faults, "fault"), counted(findings.length - faults, "notice")];
  if (unknown.length > 0) counts.push(`${unknown.length} unknown`);
  terminal.say(`${mesh}: ${counted(checks.length, "check")}, ${counts.join(", ")}`);
}

function describe({ level, group, about, problem, why, mend }: GroupFinding, { colors }: Terminal): string[] {
  const head = level === "fault" ? colors.red("FAULT") : colors.yellow("notice");
  const rows = table([
    ["because", why],
    ["mend", mend],
  ]);
  return [`${head} ${group}: ${about}: ${problem}`, ...rows.map((line) => `  ${line}`), ""];
}
