import { MeshError } from "@adaos/core";
import { hubServers, nextLetterPlace, withServers } from "@adaos/operations";
import { z } from "zod";
import type { Job, Jobs } from "../api/jobs.ts";
import { type AnyRoute, route, type ViewerContext } from "../http/route.ts";
import { MAX_AT_ONCE } from "../jobs/job-runner.ts";
import type { JobPlan } from "../jobs/job-store.ts";
import { jobInputSchema, planLetters, purgeRefusal } from "./letters/plan.ts";

const byId = z.strictObject({ id: z.string().max(64) });
export const JOB_ROUTES: readonly AnyRoute[] = [
  route({
    method: "GET",
    path: "/api/jobs",
    role: "viewer",
    input: z.strictObject({}),
    async answer(_, { jobs }): Promise<Jobs> {
      return { jobs: jobs.list(), max_at_once: MAX_AT_ONCE };
    },
  }),
  route({
    method: "GET",
    path: "/api/jobs/:id",
    role: "viewer",
    input: byId,
    answer: async ({ id }, { jobs }): Promise<Job> => jobs.get(id),
  }),
  route({
    method: "POST",
    path: "/api/jobs",
    role: "operator",
    input: jobInputSchema,
    async answer({ per_second: perSecond, count, ...selection }, context, { name }): Promise<Job> {
      const { plan, what } = await planLetters(selection, context);
      const { kind } = selection;
      const refused = kind === "purge" ? purgeRefusal(count, plan.letters.length) : undefined;
      if (refused !== undefined) throw new MeshError("usage", refused);
      if (plan.letters.length === 0)
        throw new MeshError("usage", "no letter of this selection can be changed");
      const nextPlaces = await placesFromNow(context, plan.letters);
      return context.jobs.start({ kind, what, who: name, perSecond }, { letters: plan.letters, nextPlaces });
    },
  }),
  route({
    method: "POST",
    path: "/api/jobs/:id/cancel",
    role: "operator",
    input: byId,
    answer: async ({ id }, { jobs }, { name }): Promise<Job> => jobs.cancel(id, name),
  }),
  route({
    method: "POST",
    path: "/api/jobs/:id/resume",
    role: "operator",
    input: byId,
    answer: async ({ id }, { jobs }, { name }): Promise<Job> => jobs.resume(id, name),
  }),
];

/** Where the dead letters begin that the replays may leave. */
async function placesFromNow(
  context: ViewerContext,
  letters: JobPlan["letters"],
): Promise<Record<string, number>> {
  const places: Record<string, number> = {};
  const subnets = new Set(letters.map(({ subnet }) => subnet));
  const servers = [...subnets].flatMap((subnet) => hubServers(context.layout(), subnet));
  await withServers(servers, async (hub) => {
    places[hub.of] = await nextLetterPlace(hub);
  });
  return places;
}
