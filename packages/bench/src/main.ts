import { writeFileSync } from "node:fs";
import { messageOf } from "@adaos/core";
import { Command, InvalidArgumentError, Option } from "commander";
import { BenchMesh } from "./bench-mesh.ts";
import { CONTENDERS } from "./contenders.ts";
import { conditionsHere, type Round, rowsOf, tableOf } from "./report.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

interface BenchOptions {
  readonly scenarios?: readonly string[];
  readonly rounds: number;
  readonly scale: number;
  readonly durability: "synced" | "relaxed";
  readonly output?: string;
}

/** Runs the benchmark. Resolves with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const command = new Command("bench")
    .description("measure the mesh on this machine, contenders in turn, with median and spread")
    .option("--scenarios <ids>", "some of them: S1,S2", (text) => text.split(","))
    .option("--rounds <n>", "runs of each", positive, 5)
    .option("--scale <share>", "of the events, for a quick look", positive, 1)
    .addOption(
      new Option("--durability <mode>", "of the servers").choices(["synced", "relaxed"]).default("synced"),
    )
    .option("--output <file>", "all numbers as JSON")
    .addHelpText("after", "\nExample:\n  npm run bench -- --scenarios S2 --rounds 3 --output bench.json")
    .action(bench);
  try {
    await command.parseAsync(args, { from: "user" });
    return 0;
  } catch (thrown) {
    process.stderr.write(`error: ${messageOf(thrown)}\n`);
    return 1;
  }
}

async function bench(options: BenchOptions): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const wanted = SCENARIOS.filter(({ id }) => options.scenarios?.includes(id) ?? true);
  say("starting a mesh");
  const mesh = await BenchMesh.start(options.durability);
  const rounds: Round[] = [];
  try {
    for (const scenario of wanted) rounds.push(...(await runScenario(mesh, scenario, options, say)));
  } finally {
    await mesh.stop();
  }
  const rows = rowsOf(rounds);
  for (const line of tableOf(rows)) process.stdout.write(`${line}\n`);
  for (const [name, { load }] of Object.entries(CONTENDERS)) say(`${name}: ${(await load()).what}`);
  if (options.output === undefined) return;
  const result = { conditions: conditionsHere(options.durability), rows };
  writeFileSync(options.output, `${JSON.stringify(result, undefined, 2)}\n`);
}

/** The contenders take turns, so that whatever else the machine does falls on all of them. */
async function runScenario(
  mesh: BenchMesh,
  scenario: Scenario,
  { rounds, scale }: BenchOptions,
  say: (line: string) => void,
): Promise<Round[]> {
  const { id, title, conditions, contenders } = scenario;
  const done: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      say(`${id} ${title}: ${contender}, round ${round} of ${rounds}`);
      const name = `${id}-${contender}-${round}`.toLowerCase();
      const measured = await scenario.measure(mesh, contender, name, scale);
      done.push({ scenario: id, title, conditions, contender, measured });
    }
  }
  return done;
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1000) return value;
  throw new InvalidArgumentError("must be a number above 0");
}
