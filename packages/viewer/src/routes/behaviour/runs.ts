import { MeshError } from "@adaos/core";
import {
  assertEnded,
  assertRunId,
  cancelRequest,
  findRun,
  hubServers,
  noSuchRun,
  type OfScenario,
  type OpenServer,
  reportWholeRun,
  retryRequest,
  runTimeline,
  stepToRetry,
  unendedRuns,
  type WholeRunReport,
  withEach,
  withServers,
} from "@adaos/operations";
import type { Run } from "@adaos/skills";
import { z } from "zod";
import type { Changed, RunDetail } from "../../api/behaviour.ts";
import { type AnyRoute, route, type ViewerContext } from "../../http/route.ts";
import { askRecorded } from "./scenario-changes.ts";

const id = z.string().superRefine((text, context) => {
  try {
    assertRunId(text);
  } catch (thrown) {
    context.addIssue(MeshError.from(thrown, "usage", "no id of a run").message);
  }
});
const MAX_STEP_CHARS = 40;

export const RUN_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/runs/:id",
    role: "viewer",
    input: z.strictObject({ id }),
    async answer({ id: of }, context): Promise<RunDetail> {
      const { name, value } = await found(of, context);
      const run = reportWholeRun(name, value, await context.mask(), Date.now());
      return { run, ...timelineOf(value, run), text: value.text };
    },
  }),
  route({
    method: "POST",
    path: "/api/runs/:id/cancel",
    role: "operator",
    input: z.strictObject({ id }),
    async answer({ id: of }, context, caller): Promise<Changed> {
      const requests = await atEach(context, async (hub) => {
        for await (const run of unendedRuns(hub, {})) if (run.id === of) return cancelRequest(run);
        return undefined;
      });
      if (requests === undefined)
        throw new MeshError("usage", `no run ${of} is under way, so nothing was cancelled`);
      return askRecorded("cancel", of, [requests], context, caller);
    },
  }),
  route({
    method: "POST",
    path: "/api/runs/:id/retry",
    role: "operator",
    input: z.strictObject({ id, from: z.string().max(MAX_STEP_CHARS).optional() }),
    async answer({ id: of, from }, context, caller): Promise<Changed> {
      const run = await found(of, context);
      assertEnded(run.value);
      let step: number | undefined;
      if (from !== undefined)
        await withServers(hubServers(context.layout(), run.name.subnet), async (hub) => {
          step = await stepToRetry(hub, run, from);
        });
      const request = retryRequest(run, step);
      const changed = await askRecorded("retry", of, [request], context, caller);
      return request.asked.kind === "retry" ? { ...changed, run_id: request.asked.runId } : changed;
    },
  }),
];

/** A run, wherever it is. Rejects with `usage` where no hub that answers has a record of it. */
async function found(of: string, context: ViewerContext): Promise<OfScenario<Run>> {
  const run = await atEach(context, (hub) => findRun(hub, of));
  if (run === undefined) throw noSuchRun(of);
  return run;
}

/** The first that is found at a hub. Hubs that do not answer are left out. */
async function atEach<T>(
  context: ViewerContext,
  find: (hub: OpenServer) => Promise<T | undefined>,
): Promise<T | undefined> {
  let first: T | undefined;
  await withEach(hubServers(context.layout(), undefined), async (hub) => {
    first ??= await find(hub);
  });
  return first;
}

function timelineOf(run: Run, report: WholeRunReport): Pick<RunDetail, "timeline" | "problem"> {
  try {
    return { timeline: runTimeline(run, report) };
  } catch (thrown) {
    return {
      problem: MeshError.from(thrown, "invalid-config", "the file of this run cannot be read").message,
    };
  }
}
