import { writeFileSync } from "node:fs";
import { MeshError } from "@adaos/core";
import { type Durability, messageOf } from "@adaos/core/wire";
import { Command, InvalidArgumentError, Option } from "commander";
import { conditionsHere } from "./conditions.ts";
import { CONTENDERS, entryOf } from "./contenders.ts";
import { Lab } from "./lab.ts";
import { markdownOf } from "./report/markdown.ts";
import { linesOf, type Report, type Section } from "./report/report.ts";
import { type Collected, runScenarios } from "./run-scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

interface BenchOptions {
  readonly scenarios?: readonly string[];
  readonly contenders: readonly string[];
  readonly rounds: number;
  readonly scale: number;
  readonly durability: Durability | "both";
  readonly output?: string;
  readonly markdown?: string;
  readonly list?: boolean;
  readonly installPeers?: boolean;
}

const list = (text: string): string[] => text.split(",");
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs the benchmark. Resolves with the exit code: 1 when a run failed, and 130 when it was interrupted. */
export async function main(args: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  // Once: a second Ctrl-C ends without waiting until everything is stopped.
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      say("stopping");
      interrupted.abort(new MeshError("closed", "interrupted"));
    });
  }
  let failed = 0;
  const command = new Command("bench")
    .description("measure the mesh on this machine, contenders in turn, with median and spread")
    .option("--scenarios <ids>", "some of them: S1,S2 (S2 means S2a, S2b and S2c)", list)
    .option("--contenders <names>", "some of them, or modules that export one", list, Object.keys(CONTENDERS))
    .option("--rounds <n>", "runs of each", positive, 3)
    .option("--scale <share>", "of the events, for a quick look", positive, 1)
    .addOption(
      new Option("--durability <mode>", "of the servers; both: in two meshes, one after the other")
        .choices(["synced", "relaxed", "both"])
        .default("synced"),
    )
    .option("--output <file>", "all numbers as JSON")
    .option("--markdown <file>", "all tables, with conditions and how to repeat them")
    .option("--install-peers", "install what the other contenders need, for the benchmark only")
    .option("--list", "tell scenarios and contenders, and measure nothing")
    .addHelpText("after", "\nExample:\n  npm run bench -- --scenarios S2 --rounds 5 --output bench.json")
    .action(async (options: BenchOptions) => {
      if (options.list === true) return tellWhatThereIs();
      if (options.installPeers === true) await installPeers(options);
      failed = await bench(options, interrupted.signal);
    });
  try {
    await command.parseAsync(args, { from: "user" });
    return failed === 0 ? 0 : 1;
  } catch (thrown) {
    say(`error: ${messageOf(thrown)}`);
    return interrupted.signal.aborted ? 130 : 1;
  }
}

async function tellWhatThereIs(): Promise<void> {
  for (const { id, title, conditions } of SCENARIOS.toSorted((a, b) => byId(a.id, b.id)))
    print(`${id.padEnd(4)} ${title}: ${conditions(1)}`);
  print("");
  for (const [name, entry] of Object.entries(CONTENDERS)) {
    const isThere = (await entry.isInstalled?.()) ?? true;
    const what = isThere ? (await entry.load()).what : "not installed (--install-peers)";
    print(`${name}: ${what}; ${entry.scenarios.join(" ")}`);
  }
}

async function installPeers({ contenders }: BenchOptions): Promise<void> {
  for (const name of contenders) {
    const { isInstalled, install } = entryOf(name);
    if (install === undefined || (await isInstalled?.()) === true) continue;
    say(`installing what ${name} needs`);
    // A failed installation is reported later, by the contender's name.
    await install(say).catch((thrown: unknown) => say(`${name}: ${messageOf(thrown)}`));
  }
}

/** Resolves with the number of failed turns. */
async function bench(options: BenchOptions, signal: AbortSignal): Promise<number> {
  const scenarios = scenariosOf(options);
  const { contenders, scale, rounds } = options;
  const collected: Collected = { sections: [], failed: [], leftOut: new Map(), versions: {} };
  const modes = options.durability === "both" ? (["synced", "relaxed"] as const) : [options.durability];
  try {
    for (const durability of modes) {
      const lab = new Lab({ durability, scale, contenders, say, signal });
      try {
        await runScenarios(lab, scenarios, rounds, collected);
      } finally {
        say("stopping what was started");
        await lab.close();
      }
    }
  } finally {
    // An hour of measuring is not lost because it was interrupted.
    if (collected.sections.length > 0) await tell(options, collected);
  }
  return collected.failed.length;
}

async function tell(options: BenchOptions, collected: Collected): Promise<void> {
  collected.sections.sort(bySection);
  const report = await reportOf(options, collected);
  for (const line of report.sections.flatMap(linesOf)) print(line);
  for (const [name, what] of Object.entries(report.contenders)) say(`${name}: ${what}`);
  for (const { what, why } of report.leftOut) say(`left out: ${what}: ${why}`);
  for (const { what, why } of report.failed) say(`failed: ${what}: ${why}`);
  if (options.output !== undefined) {
    writeFileSync(options.output, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  if (options.markdown !== undefined) writeFileSync(options.markdown, markdownOf(report));
}

/** Durabilities in the order of their runs, scenarios by id. */
function bySection(a: Section, b: Section): number {
  if (a.durability !== b.durability) return a.durability === "synced" ? -1 : 1;
  return byId(a.scenario, b.scenario);
}

/** S10 after S9. */
function byId(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function scenariosOf({ scenarios }: BenchOptions): readonly Scenario[] {
  if (scenarios === undefined) return SCENARIOS;
  for (const wanted of scenarios) {
    if (!SCENARIOS.some(({ id }) => isOf(id, wanted))) {
      throw new MeshError(
        "usage",
        `no scenario ${wanted}; there are ${SCENARIOS.map(({ id }) => id).join(", ")}`,
      );
    }
  }
  return SCENARIOS.filter(({ id }) => scenarios.some((wanted) => isOf(id, wanted)));
}

async function reportOf({ rounds, scale, durability }: BenchOptions, collected: Collected): Promise<Report> {
  const { sections, failed, leftOut, versions } = collected;
  return {
    conditions: { ...conditionsHere(), ...versions, durability, rounds, scale },
    contenders: await toldOf(sections),
    sections,
    failed,
    leftOut: [...leftOut].map(([what, why]) => ({ what, why })),
  };
}

/** Whatever has a row and is a contender. */
async function toldOf(sections: readonly Section[]): Promise<Record<string, string>> {
  const named = new Set(sections.flatMap(({ rows }) => rows.map(({ contender }) => contender)));
  const told: Record<string, string> = {};
  for (const [name, { load }] of Object.entries(CONTENDERS)) {
    if (named.has(name)) told[name] = (await load()).what;
  }
  return told;
}

function positive(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1000) return value;
  throw new InvalidArgumentError("must be a number above 0");
}

/** `S2` matches S2a, S2b and S2c; `S1` does not match S10. */
function isOf(id: string, wanted: string): boolean {
  return id.startsWith(wanted) && !/^\d/.test(id.slice(wanted.length));
}
