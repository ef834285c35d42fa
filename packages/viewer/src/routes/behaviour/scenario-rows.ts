import { type ListedScenario, scenariosOnThisMachine } from "@adaos/operations";
import type { Layout } from "@adaos/provision";
import { askScenarios, type NodeScenarios } from "@adaos/supervise";
import type { ScenarioList, ScenarioRow } from "../../api/behaviour.ts";

/** What this machine knows of scenarios beside the hubs: files, and the status of daemons. */
export interface ScenariosHere {
  /** By `alpha/kitchen/heating`. */
  readonly files: ReadonlyMap<string, NonNullable<ScenarioRow["file"]>>;
  readonly nodes: readonly NodeScenarios[];
}

/** Looks at files and daemons of members of this machine; of one member alone where it is named. */
export async function scenariosHere(layout: Layout, stateDir: string, only?: string): Promise<ScenariosHere> {
  const members = layout.nodes
    .filter(({ role, id }) => role === "member" && (only ?? id) === id)
    .map(({ id }) => id);
  const files = new Map<string, NonNullable<ScenarioRow["file"]>>();
  for (const member of members)
    for (const { name, definition } of scenariosOnThisMachine(layout, member)) {
      if (definition === undefined) continue;
      const { mode, shadow, description } = definition;
      files.set(`${member}/${name}`, { mode, shadow, ...(description === undefined ? {} : { description }) });
    }
  return { files, nodes: await Promise.all(members.map((id) => askScenarios(id, stateDir))) };
}

/** One scenario of the list, with what this machine knows of it. Pure. */
export function scenarioRow(
  scenario: string,
  listed: ListedScenario | undefined,
  { files, nodes }: ScenariosHere,
): ScenarioRow {
  const at = scenario.lastIndexOf("/");
  const [member, name] = [scenario.slice(0, at), scenario.slice(at + 1)];
  const node = nodes.find((one) => one.node === member);
  const errors = node?.broken.find((one) => one.scenario === name)?.errors ?? [];
  const trouble = node?.scenarios.find((one) => one.name === name)?.trouble;
  const file = files.get(scenario);
  return {
    ...(listed ?? { scenario, active: 0, waiting: 0, asked: 0 }),
    is_paused: listed?.state === "paused",
    state: errors.length > 0 ? "broken" : (listed?.state ?? "not-run"),
    ...(file === undefined ? {} : { file }),
    errors,
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** Scenarios that hubs know, and those of files that have never run; by name. Pure. */
export function scenarioRows(listed: readonly ListedScenario[], here: ScenariosHere): ScenarioRow[] {
  const known = new Map(listed.map((one) => [one.scenario, one]));
  const broken = here.nodes.flatMap(({ node, broken: some }) => some.map((one) => `${node}/${one.scenario}`));
  const all = new Set([...known.keys(), ...here.files.keys(), ...broken]);
  return [...all].sort().map((scenario) => scenarioRow(scenario, known.get(scenario), here));
}

/** What is wrong at members beside their scenarios. Pure. */
export function problemsOf({ nodes }: ScenariosHere): ScenarioList["problems"] {
  return nodes.flatMap(({ node: member, problems, away }) =>
    [...problems, ...(away === undefined ? [] : [`its daemon ${away}`])].map((problem) => ({
      member,
      problem,
    })),
  );
}
