import { resolveStateDir } from "@adaos/config";
import { counted, visibleJson } from "@adaos/core/wire";
import { gatherUpgrade, planUpgrade, type UpgradeFinding, type UpgradePlan } from "@adaos/doctor";
import { readLayout } from "@adaos/provision";
import { Command } from "commander";
import { jsonOption, type StateOptions, stateOption } from "../../options/options.ts";
import { EXIT_CODES } from "../../terminal/exit-codes.ts";
import { type Terminal, table } from "../../terminal/terminal.ts";

export function upgradeCheckCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("whether it is ready, and the order of restarts; exit code 0 when it is, else 69 or 78")
    .addOption(stateOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nIt changes nothing. Run it with the new program while the old one still runs.")
    .addHelpText("after", "\nExample:\n  adaos upgrade check --state .adaos --json")
    .action(async ({ state, json }: StateOptions) => {
      const stateDir = resolveStateDir(state);
      const plan = planUpgrade(await gatherUpgrade(readLayout(stateDir), stateDir));
      if (json === true) terminal.out(visibleJson(asJson(plan)));
      else print(plan, terminal);
      const blocking = plan.findings.filter(({ level }) => level === "blocks");
      const code = blocking.find((one) => one.code === "invalid-config")?.code ?? blocking[0]?.code;
      if (code !== undefined) process.exitCode = EXIT_CODES[code];
    });
}

function asJson({ program, ready, findings, nodes, restarts }: UpgradePlan): object {
  return {
    ...{ program, ready },
    findings: findings.map(({ code: _, ...finding }) => finding),
    nodes: nodes.map(({ node, program: told, heardBy }) => {
      return { node, program: told ?? null, ...(heardBy === undefined ? {} : { heard_by: heardBy }) };
    }),
    restarts: restarts.map(({ node, from }) => ({ node, from: from ?? null })),
  };
}

function print(
  { program, ready, findings, nodes, restarts }: UpgradePlan,
  { out, say, colors }: Terminal,
): void {
  const rows = nodes.map(({ node, program: told, heardBy }) => {
    const where = heardBy === undefined ? "on this machine" : `heard by ${heardBy}`;
    return [node, told ?? "an earlier version", where];
  });
  for (const line of table(rows)) out(line);
  for (const finding of findings) for (const line of describe(finding, colors)) out(line);
  if (restarts.length > 0)
    out(`restart, one after the other: ${restarts.map(({ node }) => node).join(", ")}`);
  const blocking = findings.filter(({ level }) => level === "blocks").length;
  say(
    ready ? `ready for adaos ${program}` : `not ready for adaos ${program}: ${counted(blocking, "reason")}`,
  );
}

function describe({ level, about, problem, mend }: UpgradeFinding, colors: Terminal["colors"]): string[] {
  const head = level === "blocks" ? colors.red("BLOCKS") : colors.yellow("note");
  return [`${head} ${about}: ${problem}`, ...table([["mend", mend]]).map((line) => `  ${line}`)];
}
