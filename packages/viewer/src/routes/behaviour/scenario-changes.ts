import {
  askEach,
  cancelRequest,
  hubServers,
  planRetries,
  retryRequest,
  type ScenarioName,
  type ScenarioRequest,
  scenarioAct,
  storedRuns,
  switchRequest,
  tenantOf,
  unendedRuns,
  withServers,
} from "@adaos/operations";
import { askRun, type Run } from "@adaos/skills";
import { z } from "zod";
import type { Caller } from "../../access/tokens.ts";
import type { Changed } from "../../api/behaviour.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { quietLog, recorded } from "../changes.ts";
import { dry, token } from "./names.ts";

/** Of `scenario.run@1`. */
const MAX_ARGS = 64;

const name = { subnet: token, node: token, scenario: token };
const args = z
  .record(z.string(), z.unknown())
  .refine((fields) => Object.keys(fields).length <= MAX_ARGS, `must have at most ${MAX_ARGS} fields`);

export const SCENARIO_CHANGE_ROUTES: readonly AnyRoute[] = [
  route({
    method: "POST",
    path: "/api/scenarios/:subnet/:node/:scenario/switch",
    role: "operator",
    input: z.strictObject({ ...name, to: z.enum(["pause", "resume"]) }),
    answer: async ({ to, ...of }, context, caller) =>
      askRecorded(to, textOf(of), [switchRequest(of, to)], context, caller),
  }),
  route({
    method: "POST",
    path: "/api/scenarios/:subnet/:node/:scenario/run",
    role: "operator",
    input: z.strictObject({ ...name, data: args.optional() }),
    async answer({ data, ...of }, context, caller): Promise<Changed> {
      const { subnet, node, scenario } = of;
      const tenant = tenantOf(context.layout(), subnet);
      const { asked, runId } = askRun({ owner: `${subnet}/${node}`, tenant, scenario }, data, Date.now());
      const changed = await askRecorded("run", textOf(of), [{ name: of, asked }], context, caller);
      return { ...changed, event_id: asked.event.event_id, run_id: runId };
    },
  }),
  route({
    method: "POST",
    path: "/api/scenarios/:subnet/:node/:scenario/cancel",
    role: "operator",
    input: z.strictObject({ ...name, dry }),
    async answer({ dry: isDry, ...of }, context, caller): Promise<Changed> {
      const requests: ScenarioRequest[] = [];
      await withServers(hubServers(context.layout(), of.subnet), async (hub) => {
        for await (const run of unendedRuns(hub, of)) requests.push(cancelRequest(run));
      });
      if (isDry || requests.length === 0) return { count: requests.length };
      return askRecorded("cancel", textOf(of), requests, context, caller);
    },
  }),
  route({
    method: "POST",
    path: "/api/scenarios/:subnet/:node/:scenario/retry",
    role: "operator",
    input: z.strictObject({ ...name, dry }),
    async answer({ dry: isDry, ...of }, context, caller): Promise<Changed> {
      const all: Run[] = [];
      await withServers(hubServers(context.layout(), of.subnet), async (hub) => {
        all.push(...(await storedRuns(hub, of)));
      });
      const { runs, settled } = planRetries(all, 0);
      if (isDry || runs.length === 0) return { count: runs.length, settled };
      const requests = runs.map((value) => retryRequest({ name: of, value }, undefined));
      return { ...(await askRecorded("retry", textOf(of), requests, context, caller)), settled };
    },
  }),
];

/** Asks members' daemons for something, and records it as the command of this name does. */
export async function askRecorded(
  action: string,
  what: string,
  requests: readonly ScenarioRequest[],
  context: ViewerContext,
  caller: Caller,
): Promise<Changed> {
  const act = scenarioAct(action, what, requests);
  const { done, kept } = await recorded(context, caller, act, (tally) =>
    askEach(context.layout(), requests, tally, quietLog(context)),
  );
  return { count: done + kept, ...(kept === 0 ? {} : { kept }) };
}

function textOf({ subnet, node, scenario }: ScenarioName): string {
  return `${subnet}/${node}/${scenario}`;
}
