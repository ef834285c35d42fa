import { type Logger, MeshError } from "@adaos/core";
import { randomId } from "@adaos/core/wire";
import type { Layout } from "@adaos/provision";
import { type Asked, askRetry, type Run } from "@adaos/skills";
import type { AuditedAct } from "../audit/audit-record.ts";
import type { Tally } from "../audit/audit-trail.ts";
import { hubServers, type OpenServer, withServers } from "../hubs.ts";
import { askScenario } from "./ask-scenario.ts";
import { retryStep } from "./plan-retry.ts";
import {
  formatScenarioName,
  type NamedRun,
  type OfScenario,
  type ScenarioName,
  scenarioStates,
} from "./stored-runs.ts";

/** Something to ask of a scenario. */
export interface ScenarioRequest {
  readonly name: ScenarioName;
  readonly asked: Asked;
}

/** How many requests members' daemons have taken, and how many wait for them. */
export interface Answered {
  readonly done: number;
  readonly kept: number;
  /** The scenarios whose daemons have not taken theirs. */
  readonly away: readonly string[];
}

/** What the audit trail has of requests. Pure. */
export function scenarioAct(action: string, what: string, requests: readonly ScenarioRequest[]): AuditedAct {
  return {
    action: `scenario.${action}`,
    what,
    subnets: [...new Set(requests.map(({ name }) => name.subnet))],
  };
}

/** Asks each in turn. Requests that no daemon takes now are kept until it runs its scenario again. */
export async function askEach(
  layout: Layout,
  requests: readonly ScenarioRequest[],
  tally: Tally,
  log: Logger,
): Promise<Answered> {
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
        if ((await askScenario(hub, name, asked, log, patienceMs)) === "done") done++;
        else {
          away.add(scenario);
          kept++;
        }
        tally(done + kept);
      }
    },
  );
  return { done, kept, away: [...away] };
}

/** A request to pause or resume. Pure but for its id. */
export function switchRequest(name: ScenarioName, kind: "pause" | "resume"): ScenarioRequest {
  return { name, asked: { id: randomId(), kind } };
}

/** A request to end a run. Pure but for its id. */
export function cancelRequest({ name, id }: NamedRun): ScenarioRequest {
  return {
    name,
    asked: { id: randomId(), kind: "cancel", runId: id, reason: "cancelled by an operator" },
  };
}

/** A request to try a run again, from its beginning or from a step. Pure but for its id. */
export function retryRequest({ name, value }: OfScenario<Run>, from: number | undefined): ScenarioRequest {
  return { name, asked: askRetry(value, `${name.subnet}/${name.node}`, from) };
}

/** Throws `usage` unless a run has ended. Pure. */
export function assertEnded({ id, outcome }: Run): void {
  if (outcome !== undefined) return;
  throw new MeshError("usage", `${id} has not ended, so nothing was retried; adaos scenario cancel ends it`);
}

/** The index of the step `effects[2]`, from which a run may go on. Rejects with `usage` where it may not. */
export async function stepToRetry(
  hub: OpenServer,
  { name, value }: OfScenario<Run>,
  from: string,
): Promise<number> {
  for await (const { hash } of scenarioStates(hub, name)) return retryStep(value, from, hash);
  throw new MeshError(
    "unavailable",
    `the state of ${formatScenarioName(name)} is not stored; retry without --from`,
  );
}
