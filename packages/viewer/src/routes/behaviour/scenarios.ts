import { MeshError } from "@adaos/core";
import {
  type AwayServer,
  comparablePast,
  compareRuns,
  formatScenarioName,
  hubServers,
  knownPast,
  type ListedScenario,
  listedScenario,
  listedScenarios,
  type OpenServer,
  parseScenarioName,
  type ScenarioName,
  type ScenarioPast,
  type StoredScenarioState,
  scenarioStand,
  scenarioStates,
  textInForce,
  textOnThisMachine,
  triggerOutcomes,
  triggersInWords,
  withEach,
  withServers,
} from "@adaos/operations";
import { z } from "zod";
import type { ComparedScenarios, ScenarioDetail, ScenarioList } from "../../api/behaviour.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { token } from "./names.ts";
import { problemsOf, type ScenariosHere, scenarioRow, scenarioRows, scenariosHere } from "./scenario-rows.ts";

const MAX_SCENARIOS = 500;
/** Of each list of one scenario; a hub keeps 100 records of each kind. */
const MAX_SHOWN = 200;
const MAX_PAIRS = 300;
const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 366;

const fullName = z.string().max(200).transform(parseScenarioName);

export const SCENARIO_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/scenarios",
    role: "viewer",
    input: z.strictObject({}),
    async answer(_, context): Promise<ScenarioList> {
      const layout = context.layout();
      const here = await scenariosHere(layout, context.stateDir);
      const listed: ListedScenario[] = [];
      const away = await withEach(hubServers(layout, undefined), async (hub) => {
        for await (const one of listedScenarios(hub, {})) {
          listed.push(one);
          if (listed.length > MAX_SCENARIOS) return;
        }
      });
      const rows = scenarioRows(listed, here);
      return {
        scenarios: rows.slice(0, MAX_SCENARIOS),
        is_cut: rows.length > MAX_SCENARIOS,
        problems: problemsOf(here),
        away: away.map(({ of, reason }): AwayServer => ({ of, reason })),
      };
    },
  }),
  route({
    method: "GET",
    path: "/api/scenarios/:subnet/:node/:scenario",
    role: "viewer",
    input: z.strictObject({ subnet: token, node: token, scenario: token }),
    async answer(name, context): Promise<ScenarioDetail> {
      const layout = context.layout();
      const here = await scenariosHere(layout, context.stateDir, `${name.subnet}/${name.node}`);
      let detail: ScenarioDetail | undefined;
      await withServers(hubServers(layout, name.subnet), async (hub) => {
        for await (const stored of scenarioStates(hub, name))
          detail = await detailOf(hub, stored, here, context);
      });
      return detail ?? neverRun(name, here, context);
    },
  }),
  route({
    method: "GET",
    path: "/api/compared-scenarios",
    role: "viewer",
    input: z.strictObject({
      live: fullName,
      shadow: fullName,
      hours: z.coerce.number().min(0.01).max(MAX_HOURS).default(24),
    }),
    async answer({ live, shadow, hours }, context): Promise<ComparedScenarios> {
      const sinceMs = Date.now() - hours * HOUR_MS;
      const pairs = compareRuns(
        await pastOf(live, sinceMs, context),
        await pastOf(shadow, sinceMs, context),
      ).toReversed();
      return { pairs: pairs.slice(0, MAX_PAIRS), is_cut: pairs.length > MAX_PAIRS };
    },
  }),
];

async function detailOf(
  hub: OpenServer,
  stored: StoredScenarioState,
  here: ScenariosHere,
  context: ViewerContext,
): Promise<ScenarioDetail> {
  const { name, hash } = stored;
  const layout = context.layout();
  const past = await knownPast(hub, name, await context.mask(), hash);
  const { runs, skips, skipCounts } = past;
  const active = runs.filter(({ outcome }) => outcome === "active");
  const text = textInForce(layout, name, hash, past.textThen);
  const [newest] = triggerOutcomes(runs, skips, 0, 1);
  return {
    row: scenarioRow(formatScenarioName(name), await listedScenario(hub, stored), here),
    stand: scenarioStand(stored, active, newest, text, Date.now()),
    starts: startsOf(text),
    runs: newestOf(runs, ({ started_at }) => started_at),
    skips: newestOf(skips, ({ at }) => at),
    skip_counts: skipCounts,
    ...(text === undefined ? {} : { text }),
  };
}

/** A scenario whose file is here, and which no daemon has taken. Throws `usage` where there is no such file. */
function neverRun(name: ScenarioName, here: ScenariosHere, context: ViewerContext): ScenarioDetail {
  const text = textOnThisMachine(context.layout(), name);
  const full = formatScenarioName(name);
  if (text === undefined)
    throw new MeshError(
      "usage",
      `${name.subnet}/${name.node} has run no scenario ${name.scenario}, and no file of it is on this machine`,
    );
  return { row: scenarioRow(full, undefined, here), starts: [], runs: [], skips: [], skip_counts: {}, text };
}

function startsOf(text: string | undefined): string[] {
  try {
    return text === undefined ? [] : triggersInWords(text);
  } catch {
    // Another version of this program took the text: it is shown as it is.
    return [];
  }
}

/** The newest first. Pure. */
function newestOf<T>(all: readonly T[], timeOf: (one: T) => string): T[] {
  return all
    .toSorted((a, b) => (timeOf(a) < timeOf(b) ? 1 : timeOf(a) > timeOf(b) ? -1 : 0))
    .slice(0, MAX_SHOWN);
}

async function pastOf(name: ScenarioName, sinceMs: number, context: ViewerContext): Promise<ScenarioPast> {
  let past: ScenarioPast = { runs: [], skips: [] };
  await withServers(hubServers(context.layout(), name.subnet), async (hub) => {
    past = await comparablePast(hub, name, sinceMs);
  });
  return past;
}
