import { resolveStateDir } from "@adaos/config";
import { MeshError } from "@adaos/core";
import { counted } from "@adaos/core/wire";
import {
  type AuditedAct,
  askScenario,
  formatScenarioName,
  hubServers,
  type OpenServer,
  parseScenarioName,
  type ScenarioFilter,
  type ScenarioName,
  type StoredScenarioState,
  scenarioStates,
  type Tally,
  withServers,
} from "@adaos/operations";
import { readLayout } from "@adaos/provision";
import type { Asked } from "@adaos/skills";
import type { StateOptions } from "../../../options/options.ts";
import { quietLog, type Terminal } from "../../../terminal/terminal.ts";
import { withHubs } from "../../events/failures/failure-options.ts";

/** Runs `use` with each hub of some scenarios, named as subnet/node/scenario; with every hub where none is named. */
export async function withHubsOf(
  names: readonly string[],
  options: StateOptions & { readonly at?: string },
  terminal: Terminal,
  use: (hub: OpenServer, filters: readonly ScenarioFilter[]) => Promise<void>,
): Promise<void> {
  if (names.length === 0) return withHubs(options, terminal, (hub) => use(hub, [{}]));
  const parsed = names.map(parseScenarioName);
  for (const subnet of new Set(parsed.map((name) => name.subnet))) {
    if (options.at !== undefined && options.at !== subnet) continue;
    const filters = parsed.filter((name) => name.subnet === subnet);
    await withHubs({ state: options.state, at: subnet }, terminal, (hub) => use(hub, filters));
  }
}

/** What its member has stored of a scenario. Rejects with `usage` where no member has run it. */
export async function stateOf(hub: OpenServer, name: ScenarioName): Promise<StoredScenarioState> {
  for await (const stored of scenarioStates(hub, name)) return stored;
  throw new MeshError(
    "usage",
    `${name.subnet}/${name.node} has run no scenario ${name.scenario}; name it in the mesh file under the member's scenarios, and run adaos policy apply`,
  );
}

/** Something to ask of a scenario. */
export interface Request {
  readonly name: ScenarioName;
  readonly asked: Asked;
}

/** How many requests members' daemons have taken, and how many wait for them. */
export interface Answered {
  readonly done: number;
  readonly kept: number;
}

/** What the audit trail has of requests. Pure. */
export function actOf(action: string, what: string, requests: readonly Request[]): AuditedAct {
  return {
    action: `scenario.${action}`,
    what,
    subnets: [...new Set(requests.map(({ name }) => name.subnet))],
  };
}

/** Asks each in turn. What is kept until a daemon runs its scenario again is told. */
export async function askEach(
  requests: readonly Request[],
  { state }: StateOptions,
  terminal: Terminal,
  tally: Tally,
): Promise<Answered> {
  const layout = readLayout(resolveStateDir(state));
  const subnets = [...new Set(requests.map(({ name }) => name.subnet))];
  // One scenario whose daemon does not answer is not waited for again.
  const away = new Set<string>();
  let [done, kept] = [0, 0];
  await withServers(
    subnets.flatMap((subnet) => hubServers(layout, subnet)),
    async (hub) => {
      for (const { name, asked } of requests) {
        if (name.subnet !== hub.of) continue;
        const scenario = formatScenarioName(name);
        const patienceMs = away.has(scenario) ? 0 : undefined;
        if ((await askScenario(hub, name, asked, quietLog(terminal), patienceMs)) === "done") done++;
        else {
          away.add(scenario);
          kept++;
        }
        tally(done + kept);
      }
    },
  );
  if (kept > 0)
    terminal.say(
      `${counted(kept, "request")} kept: the member's daemon takes it when it runs ${[...away].join(", ")} again`,
    );
  return { done, kept };
}

/** `3 paused`, and what is kept. Pure. */
export function countsOf(word: string, { done, kept }: Answered): Readonly<Record<string, number>> {
  return kept === 0 ? { [word]: done } : { [word]: done, kept };
}
