import { messageOf } from "@adaos/core/wire";
import type { Lab } from "./lab.ts";
import { type Miss, type Round, rowsOf, type Section } from "./report/report.ts";
import type { Scenario, Turn } from "./scenario.ts";

/** Results of the scenarios so far. */
export interface Collected {
  readonly sections: Section[];
  readonly failed: Miss[];
  readonly leftOut: Map<string, string>;
  readonly versions: Record<string, string>;
}

/** Runs scenarios one after the other. A failed run gives no number and is reported; the others go on. */
export async function runScenarios(
  lab: Lab,
  scenarios: readonly Scenario[],
  rounds: number,
  collected: Collected,
): Promise<void> {
  try {
    for (const scenario of scenarios) await runScenario(lab, scenario, rounds, collected);
  } finally {
    for (const [what, why] of lab.leftOut) collected.leftOut.set(what, why);
    Object.assign(collected.versions, lab.versions);
  }
}

async function runScenario(
  lab: Lab,
  scenario: Scenario,
  rounds: number,
  { sections, failed }: Collected,
): Promise<void> {
  const { durability } = lab;
  const { id, title, reference } = scenario;
  try {
    const turns = await scenario.prepare(lab);
    const done = await takeTurns(lab, scenario, turns, rounds, failed);
    const rows = rowsOf(done, reference);
    const conditions = scenario.conditions(lab.scale);
    if (rows.length > 0) sections.push({ durability, scenario: id, title, conditions, reference, rows });
  } catch (thrown) {
    const isInterrupted = lab.signal.aborted;
    failed.push({
      what: isInterrupted ? `${id} and all after it (${durability})` : `${id} (${durability})`,
      why: messageOf(thrown),
    });
    if (isInterrupted) throw thrown;
  } finally {
    await lab.endScenario();
  }
}

/** The contenders take turns, so that the machine's other work affects all of them. */
async function takeTurns(
  lab: Lab,
  { id, title }: Scenario,
  turns: readonly Turn[],
  rounds: number,
  failed: Miss[],
): Promise<Round[]> {
  const { durability } = lab;
  const done: Round[] = [];
  const out = new Set<string>();
  for (let round = 1; round <= rounds; round++) {
    for (const { contender, measure } of turns) {
      if (out.has(contender)) continue;
      lab.signal.throwIfAborted();
      lab.say(`${id} ${title} (${durability}): ${contender}, round ${round} of ${rounds}`);
      try {
        const measured = await measure(runName(id, contender, round));
        done.push({ durability, scenario: id, contender, measured });
      } catch (thrown) {
        lab.signal.throwIfAborted();
        out.add(contender);
        failed.push({ what: `${id} (${durability}), ${contender}, round ${round}`, why: messageOf(thrown) });
        lab.say(`failed: ${messageOf(thrown)}`);
      }
    }
  }
  // A contender that failed once is not to be trusted in its good rounds.
  return done.filter(({ contender }) => !out.has(contender));
}

const runName = (id: string, contender: string, round: number): string =>
  `${id}-${contender}-${round}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
